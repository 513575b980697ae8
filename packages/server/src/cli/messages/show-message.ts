import type { CanonicalEvent } from '@posthorn/sdk';
import { plain } from '../output/columns.ts';
import { paintState, renderFields, toShortTime } from '../output/table.ts';
import { defineCommand } from '../program/command-spec.ts';
import type { World } from '../program/world.ts';

/** As `GET /v1/messages/{id}` says it (http/api/messages/message-schema.ts). */
export interface MessageDetail {
  id: string;
  from: string;
  subject: string | null;
  stream: string;
  tags: string[];
  created_at: string;
  send_at: string | null;
  expires_at: string;
  recipients: {
    address: string;
    kind: string;
    state: string | null;
    attempts: number;
    next_attempt_at: string | null;
  }[];
  timeline: { event: CanonicalEvent; deliveries: DeliveryInTimeline[] }[];
  timeline_truncated: boolean;
}

interface DeliveryInTimeline {
  id: string;
  endpoint_id: string;
  endpoint_url: string | null;
  state: string;
  attempt_count: number;
  next_attempt_at: string | null;
  attempts: {
    number: number;
    started_at: string;
    latency_ms: number;
    status: number | null;
    error_code: string | null;
    error_detail: string | null;
  }[];
}

/** `posthorn messages show`: where the message is, and whether the application was told. */
export const showMessage = defineCommand<object>({
  name: 'messages show',
  summary:
    "Show what became of a message: each event with the mail server's answer, and who was told.",
  args: ['<id>'],
  json: "the server's answer as JSON",
  examples: ['posthorn messages show msg_01M7ZNQR13AAW614AN6HHMJV5M'],
  async run({ args: [id = ''], client, print, world }) {
    const message = await client.get<MessageDetail>(`/v1/messages/${encodeURIComponent(id)}`);
    print.thing(message, () => renderMessage(message, world.colors));
    return 0;
  },
});

export function renderMessage(message: MessageDetail, colors: World['colors']): string[] {
  const { timeline } = message;
  return [
    ...renderFields([
      ['message', message.id],
      ['from', message.from],
      ['subject', message.subject],
      ['accepted', toShortTime(message.created_at)],
      ['send at', message.send_at === null ? null : toShortTime(message.send_at)],
      ['tags', message.tags.join(', ')],
    ]),
    '',
    ...message.recipients.map((recipient) => renderRecipient(recipient, colors)),
    '',
    ...timeline.flatMap((entry) => renderEntry(entry, colors)),
    ...(message.timeline_truncated
      ? [`There are more events: posthorn events list --message ${message.id}`]
      : []),
  ];
}

function renderRecipient(
  { address, kind, state, attempts, next_attempt_at }: MessageDetail['recipients'][number],
  colors: World['colors'],
): string {
  const shown = state ?? 'unknown';
  const paint = paintState(shown, colors) ?? String;
  const next = next_attempt_at === null ? '' : `, tried again at ${toShortTime(next_attempt_at)}`;
  return `${kind} ${plain(address)}: ${paint(shown)} after ${count(attempts, 'attempt')}${next}`;
}

function renderEntry(
  { event, deliveries }: MessageDetail['timeline'][number],
  colors: World['colors'],
): string[] {
  const { type, timestamp, data } = event;
  const state = type.replace(/^email\./, '');
  const head = `${toShortTime(timestamp)}  ${(paintState(state, colors) ?? String)(type)}  ${plain(data.recipient ?? '')}`;
  const answer = data.delivery?.response ?? data.bounce?.description ?? null;
  const from = data.delivery?.mx ?? null;
  const said =
    answer === null ? [] : [`    ${from === null ? '' : `${plain(from)}: `}${plain(answer)}`];
  return [head, ...said, ...deliveries.flatMap((one) => renderDelivery(one, colors))];
}

function renderDelivery(delivery: DeliveryInTimeline, colors: World['colors']): string[] {
  const { endpoint_url, endpoint_id, state, attempts, next_attempt_at } = delivery;
  const paint = paintState(state, colors) ?? String;
  const next = next_attempt_at === null ? '' : `, next at ${toShortTime(next_attempt_at)}`;
  const tried = attempts.map((attempt) => {
    const result = attempt.status ?? attempt.error_code ?? '';
    const why = attempt.error_detail === null ? '' : ` ${plain(attempt.error_detail)}`;
    return `        #${attempt.number} ${toShortTime(attempt.started_at)}  ${result} in ${attempt.latency_ms} ms${why}`;
  });
  return [`    -> ${endpoint_url ?? endpoint_id}: ${paint(state)}${next}`, ...tried];
}

const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;
