import { type TableColumn, toShortTime } from '../output/table.ts';

/** As `GET /v1/suppressions` says it. */
export interface SuppressionRow {
  id: string;
  address: string | null;
  stream: string | null;
  reason: string;
  source: string;
  note: string | null;
  created_at: string;
  expires_at: string | null;
}

export const SUPPRESSION_COLUMNS: readonly TableColumn<SuppressionRow>[] = [
  { head: 'suppression', text: ({ id }) => id },
  { head: 'address', minWidth: 12, text: ({ address }) => address ?? '(erased)' },
  { head: 'reason', minWidth: 6, text: ({ reason }) => reason },
  { head: 'stream', minWidth: 3, text: ({ stream }) => stream ?? 'all' },
  { head: 'since', minWidth: 10, text: ({ created_at }) => toShortTime(created_at) },
];

export const REASONS = ['hard_bounce', 'soft_bounces', 'complaint', 'unsubscribe', 'manual'];
export const STREAMS = ['transactional', 'broadcast'];
