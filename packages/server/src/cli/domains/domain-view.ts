import { plain } from '../output/columns.ts';
import { paintState, type TableColumn, toShortTime } from '../output/table.ts';
import type { World } from '../program/world.ts';

interface DnsRecord {
  purpose: string;
  name: string;
  type: string;
  required: boolean;
  expected: string | null;
  status: string;
  found: string | null;
  detail: string | null;
}

/** As `GET /v1/domains` says it (http/api/domains/domain-json.ts). */
export interface DomainView {
  id: string;
  name: string;
  unicode_name: string;
  status: string;
  records: DnsRecord[];
  checked_at: string | null;
}

export const DOMAIN_COLUMNS: readonly TableColumn<DomainView>[] = [
  { head: 'domain', text: ({ id }) => id },
  { head: 'name', minWidth: 16, text: ({ unicode_name }) => unicode_name },
  {
    head: 'status',
    text: ({ status }) => status,
    paint: ({ status }, colors) => paintState(status, colors),
  },
  {
    head: 'checked',
    minWidth: 10,
    text: ({ checked_at }) => (checked_at === null ? null : toShortTime(checked_at)),
  },
];

/** Records may be long, so that each has lines of its own: name and value are there to be copied whole. */
export function renderDomain(domain: DomainView, colors: World['colors']): string[] {
  const { id, unicode_name, status, records } = domain;
  const paint = paintState(status, colors) ?? String;
  return [
    `${unicode_name}  ${paint(status)}  ${id}`,
    '',
    ...records.flatMap((record) => renderRecord(record, colors)),
  ];
}

function renderRecord(record: DnsRecord, colors: World['colors']): string[] {
  const { purpose, name, type, required, expected, status, found, detail } = record;
  const paint = paintState(required || status !== 'missing' ? status : 'unknown', colors) ?? String;
  const isRight = status === 'ok';
  return [
    `${paint(status.padEnd(7))}  ${purpose}${required ? '' : ' (optional)'}`,
    `         ${type} ${plain(name)}`,
    ...(expected === null ? [] : [`         ${plain(expected)}`]),
    ...(isRight || found === null ? [] : [`         DNS says: ${plain(found)}`]),
    ...(isRight || detail === null ? [] : [`         ${plain(detail)}`]),
  ];
}

export const needsWork = ({ records }: Pick<DomainView, 'records'>): boolean =>
  records.some(({ required, status }) => required && status !== 'ok');
