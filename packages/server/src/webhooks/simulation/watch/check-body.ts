import type { CanonicalEvent } from '@posthorn/sdk';
import type { ModelStore } from '../store/model-store.ts';
import type { Post } from '../world/virtual-network.ts';
import type { Verdict } from './verdict.ts';
import type { LaneConfig } from './watched-lanes.ts';

/** What a post carries, read from its bytes alone. */
export interface Carried {
  /** Of each element of the body: one event, or those that went as one. */
  groups: string[][];
  isBatch: boolean;
}

export function readBody(post: Post): Carried {
  const parsed: CanonicalEvent | CanonicalEvent[] = JSON.parse(post.body);
  const isBatch = Array.isArray(parsed);
  const groups = (isBatch ? parsed : [parsed]).map(idsOf);
  return { groups, isBatch };
}

/**
 * The bytes are those that the log made of the event, on each attempt and in each company; the id in
 * the header is the event's, or one of the post's own; types that go singly are in no batch.
 */
export function checkBody(options: {
  post: Post;
  carried: Carried;
  config: LaneConfig;
  store: ModelStore;
  verdict: Verdict;
}): void {
  const { post, carried, config, store, verdict } = options;
  const { groups, isBatch } = carried;
  const texts = groups.map((group) => textOf(group, store));
  const expected = isBatch ? `[${texts.join(',')}]` : texts.join('');
  verdict.expect(post.body === expected, () => `The body is not what was stored: ${post.body}`);
  const [first = []] = groups;
  const isPlain = !isBatch && first.length === 1;
  const id = post.headers['webhook-id'] ?? '';
  verdict.expect(
    isPlain ? id === first[0] : /^(bat|coa)_/.test(id),
    () => `A post of ${groups.flat().join(' ')} has the id ${id}.`,
  );
  for (const group of groups) checkGroup(group);
  if (isBatch) checkBatch();

  function checkGroup(group: readonly string[]): void {
    if (group.length === 1) return;
    verdict.count('coalesced post');
    const keys = new Set(group.map((eventId) => coalescingKey(store.event(eventId)?.body ?? '{}')));
    verdict.expect(keys.size === 1, () => `Unlike events went as one: ${[...keys].join(' ')}`);
    verdict.expect(config.settings.coalesceMs !== null, () => 'Nobody asked to coalesce.');
    verdict.expect(group.length <= 100, () => `${group.length} events went as one.`);
  }

  function checkBatch(): void {
    verdict.count('batch');
    const { batch } = config.settings;
    verdict.expect(groups.length <= (batch?.maxEvents ?? 0), () => 'A batch is too large.');
    for (const eventId of groups.flat()) {
      const type = store.event(eventId)?.type ?? '';
      const isBatched = batch?.eventTypes == null || batch.eventTypes.includes(type);
      verdict.expect(isBatched, () => `${type} goes singly, and went in a batch.`);
    }
  }
}

function idsOf(
  event: CanonicalEvent & { data: { coalesced?: { event_ids: string[] } } },
): string[] {
  return event.data.coalesced?.event_ids ?? [event.id];
}

function textOf(group: readonly string[], store: ModelStore): string {
  const bodies = group.map((eventId) => store.event(eventId)?.body ?? '');
  const [first = ''] = bodies;
  if (group.length === 1) return first;
  const last: CanonicalEvent = JSON.parse(bodies.at(-1) ?? '');
  const coalesced = { count: group.length, last_at: last.timestamp, event_ids: group };
  return `${first.slice(0, -2)},"coalesced":${JSON.stringify(coalesced)}}}`;
}

function coalescingKey(body: string): string {
  const { type, data }: CanonicalEvent = JSON.parse(body);
  return [type, data.message?.id, data.recipient, data.engagement?.url].join(' ');
}
