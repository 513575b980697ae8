import type { AlertReading, AlertRule, AlertScope } from './alert-rule.ts';
import { entryOf } from './alert-types.ts';
import { plural, sayCount, saySeconds, sayShare, sayValue } from './say-numbers.ts';

type Said = Omit<AlertRule, 'projectId' | 'id' | 'version' | 'createdAtMs' | 'updatedAtMs'>;

/** A rule in words, with its own numbers: when it fires, when it resolves, whom it tells, what it does. */
export function sayRule(rule: Said): string {
  const parts = [
    `Fires when ${sayCondition(rule)}.`,
    sayResolve(rule),
    sayTelling(rule),
    ...rule.actions.map((action) => `${sayAction(action)}.`),
  ];
  return parts.filter((part) => part !== '').join(' ');
}

export function sayAction(action: Said['actions'][number]): string {
  switch (action.type) {
    case 'hold_stream':
      return `Holds mail of the stream ${action.stream} for review`;
    case 'hold_key':
      return `Holds mail of the key ${action.key} for review`;
    case 'suppress':
      return 'Puts those who complained or bounced hard on the suppression list';
    default:
      return 'Disables the endpoint';
  }
}

function sayCondition({ type, scope, threshold, windowMs, minVolume }: Said): string {
  const { unit } = entryOf(type);
  const line = threshold === null ? '' : sayValue(unit, threshold);
  const mail = `messages${sayScope(scope)}`;
  const within = windowMs === null ? '' : ` within ${saySeconds(windowMs / 1_000)}`;
  const least = minVolume === null ? '' : `, of at least ${sayCount(minVolume)}`;
  switch (type) {
    case 'bounce_rate':
      return `${line} or more of the ${mail} bounce${within}${least}`;
    case 'complaint_rate':
      return `${line} or more of the ${mail} are reported as spam${within}${least} delivered`;
    case 'complaints':
      return `${threshold === 1 ? 'a message' : `${line} messages or more`}${sayScope(scope)} ${threshold === 1 ? 'is' : 'are'} reported as spam${within}`;
    case 'queue_depth':
      return `${line} events or more wait for ${oneOf('endpoint', scope.endpoint)}`;
    case 'queue_lag':
      return `an event has been due for ${line} or longer at ${oneOf('endpoint', scope.endpoint)}`;
    case 'mail_queue_depth':
      return `mail to ${threshold === 1 ? 'a recipient' : `${line} recipients or more`} waits to be sent`;
    case 'mail_queue_lag':
      return `mail has been due for ${line} or longer, and is not sent`;
    case 'endpoint_failing':
      return `${oneOf('endpoint', scope.endpoint)} has been failing for ${line} or longer`;
    case 'source_silent':
      return `nothing has come from ${oneOf('source', scope.source)} for ${threshold === null ? 'longer than is usual for it' : `${line} or longer`}`;
    case 'sink_failing':
      return `nothing has got through to ${oneOf('sink', scope.sink)} for ${line} or longer`;
    case 'sink_refusing':
      return `${threshold === 1 ? 'an event is' : `${line} events or more are`} refused by ${oneOf('sink', scope.sink)}${within}`;
    case 'send_limit':
      return `${threshold === 1 ? 'all' : `${line} or more`} of what the project may send in the hour or the day is used`;
    case 'domain_dns':
      return `${threshold === 1 ? 'a record' : `${line} records or more`} that ${scope.domain ?? 'a sending domain'} needs ${threshold === 1 ? 'is' : 'are'} missing or wrong`;
    case 'destination_deferring':
      return `${scope.receiving_domain ?? 'a receiving domain'} puts off ${threshold === 1 ? 'everything' : `${line} or more`}${sayScope({ ...scope, receiving_domain: undefined })}${within}${least} answers`;
    default:
      return `the ${mail}${within} are ${line} fewer than at the same time of the weeks before, or fewer still, where there usually are at least ${sayCount(minVolume ?? 1)}`;
  }
}

function sayResolve({ type, resolveBelow, threshold, resolveAfterMs }: Said): string {
  const { unit } = entryOf(type);
  const line = resolveBelow ?? threshold;
  const after = resolveAfterMs === 0 ? '' : ` for ${saySeconds(resolveAfterMs / 1_000)}`;
  // What lasts is over when it ends, and of what is counted from one on there is none then.
  const isOver = line === null || (unit === 'seconds' && line === threshold) || line === 1;
  if (isOver && unit !== 'share') {
    return after === '' ? 'Resolves when that is over.' : `Resolves when it has been over${after}.`;
  }
  return `Resolves when it ${after === '' ? 'is' : 'stays'} below ${sayValue(unit, line ?? 0)}${after}.`;
}

function sayTelling({ to, repeatMs, quietHours, isUrgent }: Said): string {
  const { sinks, emails } = to;
  const whom = [
    ...(sinks.length === 0 ? [] : [plural(sinks.length, 'sink')]),
    ...(emails.length > 3
      ? [plural(emails.length, 'address').replace(/ss$|sss$/, 'sses')]
      : emails),
  ];
  if (whom.length === 0) return 'Tells nobody by itself.';
  const again = repeatMs === null ? '' : `, and again every ${lastOf(repeatMs / 1_000)}`;
  const quiet =
    quietHours === null
      ? ''
      : `, from ${quietHours.from} to ${quietHours.to} (${quietHours.timeZone}) only afterwards`;
  return `Tells ${listed(whom)}${again}${isUrgent ? ', at any hour' : quiet}.`;
}

/** What was found, in words; it stands in the alert, in the mail and in the chat. */
export function sayReading(
  rule: Pick<AlertRule, 'type' | 'scope' | 'windowMs'>,
  reading: AlertReading & { value: number },
): string {
  const { value, threshold, volume, part, subject } = reading;
  const { unit } = entryOf(rule.type);
  const found = sayValue(unit, value);
  const line = `the line is ${sayValue(unit, threshold)}`;
  const last = rule.windowMs === null ? '' : ` in the last ${lastOf(rule.windowMs / 1_000)}`;
  const mail = `messages${sayScope(rule.scope)}`;
  const of = part === null || volume === null ? '' : ` (${sayCount(part)} of ${sayCount(volume)})`;
  const name = subject?.name ?? '';
  switch (rule.type) {
    case 'bounce_rate':
      return `${found} of the ${mail} bounced${last}${of}; ${line}.`;
    case 'complaint_rate':
      return `${found} of the ${mail} were reported as spam${last}${of}; ${line}.`;
    case 'complaints':
      return `${plural(value, 'message')}${sayScope(rule.scope)} ${value === 1 ? 'was' : 'were'} reported as spam${last}; ${line}.`;
    case 'queue_depth':
      return `${plural(value, 'event')} wait for ${name}; ${line}.`;
    case 'queue_lag':
      return `The first event that is due has waited ${found} for ${name}; ${line}.`;
    case 'mail_queue_depth':
      return `Mail to ${plural(value, 'recipient')} waits to be sent; ${line}.`;
    case 'mail_queue_lag':
      return `The first mail that is due has waited ${found}; ${line}.`;
    case 'endpoint_failing':
      return `${name} has been failing for ${found}; ${line}.`;
    case 'source_silent':
      return `Nothing has come from ${name} for ${found}; ${line}.`;
    case 'sink_failing':
      return `Nothing has got through to ${name} for ${found}; ${line}.`;
    case 'sink_refusing':
      return `${name} refused ${plural(value, 'event')}${last}; ${line}.`;
    case 'send_limit':
      return `${found} of what may be sent in ${name} is used${of}; ${line}.`;
    case 'domain_dns':
      return `${plural(value, 'record')} that ${name} needs ${value === 1 ? 'is' : 'are'} missing or wrong; ${line}.`;
    case 'destination_deferring':
      return `${name} put off ${sayShare(value)} of the messages${last}${of}; ${line}.`;
    default:
      return `There were ${sayCount(part ?? 0)} ${mail}${last}, where there usually are ${sayCount(volume ?? 0)}: ${found} fewer; ${line}.`;
  }
}

function sayScope(scope: { [K in keyof AlertScope]: string | undefined }): string {
  const { stream, tag, sending_domain: from, receiving_domain: to, provider } = scope;
  return [
    stream === undefined ? '' : ` of the stream ${stream}`,
    tag === undefined ? '' : ` with the tag ${tag}`,
    from === undefined ? '' : ` from ${from}`,
    to === undefined ? '' : ` to ${to}`,
    provider === undefined ? '' : ` by ${provider}`,
  ].join('');
}

const oneOf = (what: string, id: string | undefined): string =>
  id === undefined ? `one ${what}` : `the ${what} ${id}`;

/** `hour`, `2 hours`. */
function lastOf(seconds: number): string {
  return saySeconds(seconds).replace(/^1 /, '');
}

function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
