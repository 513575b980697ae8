import { z } from 'zod';
import { PosthornError } from '../../../../lib/errors.ts';
import { checkEnvelopeAddress } from '../../../../smtp/check-envelope-address.ts';
import { checkInput } from '../../../check-input.ts';
import { type CallRoute, readPages } from '../call-routes.ts';
import type { ForeignRoute } from '../foreign-api.ts';
import { invalid } from './webhook-routes.ts';

/** As `GET /v1/suppressions` says it. */
interface SuppressionView {
  id: string;
  address: string | null;
  stream: 'transactional' | 'broadcast' | null;
  reason: string;
  note: string | null;
  created_at: string;
}

const SOURCES = [
  'api',
  'unsubscribe_link',
  'list_unsubscribe',
  'hard_bounce',
  'spam_complaint',
] as const;
type Source = (typeof SOURCES)[number];

/** Their source is why somebody is on the list; ours is who put him there. */
const SOURCE_OF: Readonly<Record<string, Source>> = {
  hard_bounce: 'hard_bounce',
  soft_bounces: 'hard_bounce',
  complaint: 'spam_complaint',
  unsubscribe: 'list_unsubscribe',
  manual: 'api',
};

const STREAM_OF = { transactional: 'transactional', 'non-transactional': 'broadcast' } as const;
const TYPES = ['transactional', 'non-transactional'] as const;

const time = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), 'There is no such day or time.')
  .transform((text) => Date.parse(text));

const listQuery = z.looseObject({
  recipient: z.string().max(255).optional(),
  source: z.enum(SOURCES).optional(),
  created_after: time.optional(),
  created_before: time.optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
  offset: z.coerce.number().int().min(0).max(100_000).default(0),
});

const createBody = z.looseObject({
  suppression_entries: z
    .array(
      z.looseObject({
        recipient: z.string().min(3).max(255),
        suppression_types: z.array(z.enum(TYPES)).min(1).default(['non-transactional']),
        notes: z.string().max(1_000).nullish(),
      }),
    )
    .min(1)
    .max(1_000),
});

/** /suppression-list and /suppression-list/recipients/{recipient}. */
export function createSuppressionListRoutes({
  callRoute,
}: {
  callRoute: CallRoute;
}): ForeignRoute[] {
  return [
    {
      methods: ['GET'],
      path: '/suppression-list',
      async handle({ caller, query }) {
        const wanted = checkInput(listQuery, query, '?');
        const filter: Record<string, string> =
          wanted.recipient === undefined ? {} : { address: wanted.recipient };
        const rows = readPages<SuppressionView>(callRoute, 'GET /v1/suppressions', {
          caller,
          query: filter,
        });
        const found: object[] = [];
        let skipped = 0;
        for await (const row of rows) {
          if (!fits(row, wanted)) continue;
          if (skipped++ < wanted.offset) continue;
          found.push(toEntry(row));
          if (found.length === wanted.limit) break;
        }
        return { status: 200, body: { suppression_list: found } };
      },
    },
    {
      methods: ['POST'],
      path: '/suppression-list',
      async handle({ caller, body }) {
        const { suppression_entries: entries } = checkInput(createBody, body, '/');
        // All or none: what is wrong with one of them is found before the first is stored.
        for (const { recipient } of entries) {
          const checked = checkEnvelopeAddress(recipient.trim(), true);
          if (!checked.ok) throw invalid(`"${recipient}" is no address: ${checked.message}.`);
          const there = await callRoute<{ data: SuppressionView[] }>('GET /v1/suppressions', {
            caller,
            query: { address: recipient },
          });
          if (there.data.some(({ reason }) => reason === 'manual')) {
            throw new PosthornError('conflict', `${recipient} is on the list already.`);
          }
        }
        for (const { recipient, suppression_types: types, notes } of entries) {
          const isAll = TYPES.every((type) => types.includes(type));
          const [type = 'non-transactional'] = types;
          const stream = isAll ? null : STREAM_OF[type];
          const entry = { address: recipient, stream, note: notes ?? null };
          await callRoute('POST /v1/suppressions', { caller, body: entry });
        }
        return { status: 201 };
      },
    },
    {
      methods: ['DELETE'],
      path: '/suppression-list/recipients/:recipient',
      async handle({ caller, params, query }) {
        const { source } = checkInput(
          z.looseObject({ source: z.enum([...SOURCES, 'all']).default('api') }),
          query,
          '?',
        );
        const address = params['recipient'] ?? '';
        const rows = readPages<SuppressionView>(callRoute, 'GET /v1/suppressions', {
          caller,
          query: { address },
        });
        const gone: string[] = [];
        for await (const { id, reason } of rows) {
          if (source === 'all' || sourceOf(reason) === source) gone.push(id);
        }
        for (const id of gone) {
          await callRoute('DELETE /v1/suppressions/{id}', { caller, params: { id } });
        }
        return { status: 204 };
      },
    },
  ];
}

const sourceOf = (reason: string): Source => SOURCE_OF[reason] ?? 'api';

function fits(row: SuppressionView, wanted: z.output<typeof listQuery>): boolean {
  const atMs = Date.parse(row.created_at);
  return (
    // Of an erased person there is no address to show.
    row.address !== null &&
    (wanted.source === undefined || sourceOf(row.reason) === wanted.source) &&
    atMs >= (wanted.created_after ?? 0) &&
    atMs < (wanted.created_before ?? Number.POSITIVE_INFINITY)
  );
}

function toEntry({ address, stream, reason, note, created_at }: SuppressionView): object {
  const types = TYPES.filter((type) => stream === null || STREAM_OF[type] === stream);
  return {
    recipient: address,
    source: sourceOf(reason),
    suppression_types: types,
    created_at,
    sender: '',
    notes: note ?? '',
  };
}
