import { Hopeless } from '../alerts/tell.ts';
import type { Alert, AlertAction } from '../core/alerts/alert-rule.ts';
import { sayCount } from '../core/alerts/say-numbers.ts';
import { lowestIdAt } from '../core/ids.ts';
import type { Stream } from '../core/mail/streams.ts';
import { type SuppressionEffect, suppressionEffect } from '../core/mail/suppression.ts';
import { toCountedEvent } from '../core/stats/counted-event.ts';
import { createSuppressionEvent } from '../mail/suppression/suppression-event.ts';
import type { NewSuppression } from '../store/mail/suppressions.ts';
import type { Access } from './build-access.ts';
import type { Logbook } from './build-log.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';

/** What rules do beside telling: each resolves to what it came to, in words. */
type Act = (alert: Alert, action: AlertAction) => Promise<string>;

/** Of those who complained or bounced, at most so many at once: the latest. */
const MAX_SUPPRESSED = 1_000;
const DAY_MS = 86_400_000;
/** Of a hold rule's name. */
const MAX_NAME = 100;

export function createAlertActions(
  { store, projects, clock, ids }: Pick<Basics, 'store' | 'projects' | 'clock' | 'ids'>,
  ties: Pick<Webhooks, 'directory'> & Pick<Logbook, 'eventLog'> & Pick<Access, 'authenticator'>,
): Act {
  async function holdStream({ projectId, ruleName }: Alert, stream: Stream): Promise<string> {
    const before = projects.find(projectId);
    if (before === null) throw new Hopeless('The project is gone.');
    const name = `Alert: ${ruleName} (${stream})`.slice(0, MAX_NAME);
    const { sending } = before;
    if (sending.holdRules.some((rule) => rule.name === name)) return 'It was held already.';
    const rule = { name, filter: { stream: [stream] } };
    await projects.update(before, {
      ...before,
      sending: { ...sending, holdRules: [...sending.holdRules, rule] },
      version: before.version + 1,
      updatedAtMs: clock.now(),
    });
    return `Mail of the stream ${stream} waits by the hold rule "${name}"; take that away to end it.`;
  }

  async function holdKey({ projectId }: Alert, id: string): Promise<string> {
    const key = await store.apiKeys.get(projectId, id);
    if (key === null) throw new Hopeless(`There is no key ${id} any more.`);
    if (key.mode !== 'live') return `The key was of the mode ${key.mode} already.`;
    await store.apiKeys.hold(projectId, id, clock.now());
    ties.authenticator.forget(key.keyHash);
    return `Mail of the key ${key.name} waits for a person; make a new key to end it.`;
  }

  async function suppress(alert: Alert): Promise<string> {
    const { projectId } = alert;
    const fromMs = alert.firedAtMs - (alert.windowMs ?? DAY_MS);
    const type = alert.type === 'bounce_rate' ? 'email.bounced' : 'email.complained';
    const { rows } = await store.events.list({
      projectId,
      limit: MAX_SUPPRESSED,
      beforeId: null,
      types: [type],
      messageKey: null,
      recipient: null,
      fromEventId: lowestIdAt('event', fromMs),
    });
    let added = 0;
    for (const event of rows) {
      const effect = suppressionEffect(event, { fromElsewhere: true, softBounces: null });
      if (effect?.kind !== 'add' || !isInScope(alert, event)) continue;
      if (await add(projectId, effect, event.id)) added += 1;
    }
    return `New on the suppression list: ${sayCount(added)}.`;
  }

  /** Resolves to whether it was not there yet. */
  async function add(
    projectId: string,
    { address, reason, stream }: Extract<SuppressionEffect, { kind: 'add' }>,
    eventId: string,
  ): Promise<boolean> {
    const nowMs = clock.now();
    if ((await store.suppressions.at({ projectId, address, stream }, nowMs)) !== null) return false;
    const entry: NewSuppression = {
      projectId,
      id: ids.next('suppression'),
      address,
      stream,
      reason,
      source: 'posthorn',
      note: 'By an alert rule.',
      eventId,
      createdAtMs: nowMs,
      expiresAtMs: null,
    };
    const id = ids.next('event');
    const event = createSuppressionEvent({ type: 'suppression.added', id, atMs: nowMs, entry });
    const statements = [store.suppressions.insertion(entry)];
    await ties.eventLog.append([{ projectId, event, dedupKey: null }], statements);
    return true;
  }

  async function disableEndpoint({ projectId, subject, ruleName }: Alert): Promise<string> {
    const live = subject === null ? null : ties.directory.find(projectId, subject.id);
    if (live === null) throw new Hopeless('There is no such endpoint any more.');
    const { record } = live;
    if (record.status === 'disabled') return 'It was disabled already.';
    await ties.directory.update(record, {
      ...record,
      status: 'disabled',
      disabledReason: `By the alert rule "${ruleName}"`,
      version: record.version + 1,
      updatedAtMs: clock.now(),
    });
    return 'The endpoint is disabled: what it misses can be replayed.';
  }

  return async (alert, action) => {
    switch (action.type) {
      case 'hold_stream':
        return holdStream(alert, action.stream);
      case 'hold_key':
        return holdKey(alert, action.key);
      case 'suppress':
        return suppress(alert);
      default:
        return disableEndpoint(alert);
    }
  };
}

/** As the sums count it. */
function isInScope(
  { scope }: Pick<Alert, 'scope'>,
  event: Parameters<typeof toCountedEvent>[0],
): boolean {
  const counted = toCountedEvent(event, null);
  if (counted === null) return false;
  const { stream, ...rest } = scope;
  if (stream !== undefined && counted.stream !== stream) return false;
  return Object.entries(rest).every(([name, wanted]) =>
    counted.values.some(([dimension, value]) => dimension === name && value === wanted),
  );
}
