import { choice, defineCommand, option } from '../program/command-spec.ts';
import { given } from '../program/values.ts';
import { REASONS, STREAMS, type SuppressionRow } from './suppression-columns.ts';

interface Options {
  stream?: string;
  reason?: string;
  note?: string;
  expiresAt?: string;
}

export const addSuppression = defineCommand<Options>({
  name: 'suppressions add',
  summary: 'Put an address on the list: it gets no mail any more.',
  args: ['<address>'],
  options: [
    choice('--stream <stream>', 'only for this stream (default: all)', STREAMS),
    choice('--reason <reason>', 'why (default: manual)', REASONS),
    option('--note <text>', 'for people'),
    option('--expires-at <time>', 'until when, such as 2026-12-31T00:00:00Z'),
  ],
  json: 'the entry as JSON',
  examples: ['posthorn suppressions add you@example.com --note "asked by phone"'],
  async run({ args: [address], client, options, print }) {
    const { expiresAt, ...rest } = options;
    const { stream, reason, note } = rest;
    const body = { address, ...given({ stream, reason, note, expires_at: expiresAt }) };
    const entry = await client.post<SuppressionRow>('/v1/suppressions', body);
    print.thing(entry, () => [
      `${entry.address} gets no mail of ${entry.stream ?? 'any'} stream (${entry.reason}): ${entry.id}`,
    ]);
    return 0;
  },
});
