import type { Provider } from '@posthorn/sdk';
import type { DecodedMark, SourcePayload, SourceRecord } from '../core/source.ts';
import { unpackBytes } from '../lib/pack.ts';
import { toProviderRequest } from './kept-request.ts';
import { type Report, recipientsOf, toReports } from './read-reports.ts';

/** What a webhook says to today's decoder, beside what was made of it before. */
export interface Redecoded {
  /** Events that nobody had seen in it. */
  added: Report[];
  /** Events that are called something else by now; those from before stay in the log. */
  changed: Report[];
  kept: number;
  decoded: DecodedMark[];
  recipients: string[];
}

/**
 * Reads a kept webhook again. An event that is here under the same key and type is left as it is. One
 * whose type is another by now (`email.unknown`, mostly) comes as a new event, with a key of its own:
 * the log is never rewritten. Throws WebhookError for what cannot be read (any more).
 */
export async function redecode(
  source: { record: Pick<SourceRecord, 'id' | 'settings'>; provider: Provider },
  payload: SourcePayload,
): Promise<Redecoded> {
  const { record, provider } = source;
  const request = toProviderRequest(payload.request, await unpackBytes(payload));
  const decoded = provider.decode(request);
  const reports = toReports(record, provider, decoded, payload.receivedAtMs);
  const before = new Map<string, string>(payload.decoded);
  const added = reports.filter(({ dedupKey }) => !before.has(dedupKey));
  const changed = reports.filter(({ dedupKey, event }) => {
    const type = before.get(dedupKey);
    return type !== undefined && type !== event.type;
  });
  for (const { dedupKey, event } of reports) before.set(dedupKey, event.type);
  return {
    added,
    changed: changed.map((one) => ({
      ...one,
      id: null,
      dedupKey: `${one.dedupKey}:${one.event.type}`,
    })),
    kept: reports.length - added.length - changed.length,
    decoded: [...before],
    recipients: [...new Set([...payload.recipients, ...recipientsOf(reports)])],
  };
}
