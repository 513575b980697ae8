import type { CanonicalEvent } from '@posthorn/sdk';
import type pc from 'picocolors';
import { isLiveState } from '../../core/webhooks/delivery-state.ts';
import { type Cell, type Column, plain, renderColumns } from '../output/columns.ts';
import type { DeliveryView, MessageView, RecipientView } from './demo-api.ts';

export type Colors = ReturnType<typeof pc.createColors>;

export interface TimelineStyle {
  /** Of the terminal; below 80 the lines are made for 80. */
  width: number;
  colors: Colors;
  nowMs: number;
}

const MIN_WIDTH = 80;
const INDENT = '  ';

/** Where types are shown with their `email.`. */
const FULL_TYPE_WIDTH = 110;

const COLUMNS: Record<'time' | 'event' | 'recipient' | 'reply' | 'told', Column> = {
  time: { minWidth: 8, align: 'right' },
  event: { minWidth: 11 },
  recipient: { minWidth: 10 },
  reply: { minWidth: 20 },
  told: { minWidth: 21 },
};

/** What a sign and a colour say of an event; the word stands beside them. */
const SIGNS: Record<string, { sign: string; color: 'green' | 'yellow' | 'red' }> = {
  'email.delivered': { sign: '✓', color: 'green' },
  'email.deferred': { sign: '…', color: 'yellow' },
  'email.bounced': { sign: '✗', color: 'red' },
  'email.rejected': { sign: '✗', color: 'red' },
  'email.failed': { sign: '✗', color: 'red' },
};

/**
 * One message as lines: a head, then a row for each event with what the mail server said, and beside
 * it what the webhook endpoints answered. The recipient has a column where there are several.
 */
export function renderTimeline(message: MessageView, style: TimelineStyle): string[] {
  const { colors } = style;
  const width = Math.max(style.width, MIN_WIDTH);
  const isShared = message.recipients.length > 1;
  const columns = (['time', 'event', 'recipient', 'reply', 'told'] as const).filter(
    (name) => name !== 'recipient' || isShared,
  );
  const heads = {
    time: 'after',
    event: 'event',
    recipient: 'recipient',
    reply: 'the mail server said',
    told: 'your webhook answered',
  };
  const startMs = Date.parse(message.created_at);
  const rows = message.timeline.map(({ event, deliveries }) => {
    const cells: Record<(typeof columns)[number], Cell> = {
      time: { text: formatOffset(Date.parse(event.timestamp) - startMs), paint: colors.dim },
      event: describeType(event, width, colors),
      recipient: { text: plain(event.data.recipient ?? '') },
      reply: { text: describeReply(event) },
      told: { text: describeDeliveries(deliveries, style.nowMs), paint: paintSigns(colors) },
    };
    return columns.map((name) => cells[name]);
  });
  const head = columns.map((name): Cell => ({ text: heads[name], paint: colors.dim }));
  const table = renderColumns(
    [head, ...rows],
    columns.map((name) => COLUMNS[name]),
    width - INDENT.length,
  );
  return [...renderHead(message, style, width), ...table.map((line) => INDENT + line)];
}

function renderHead(message: MessageView, { colors }: TimelineStyle, width: number): string[] {
  const [only, ...others] = message.recipients;
  const to = others.length > 0 || only === undefined ? '' : ` to ${plain(only.address)}`;
  const subject = plain(message.subject ?? '') || '(no subject)';
  const state = describeStates(message.recipients);
  const [title = ''] = renderColumns(
    [
      [
        { text: subject + to, paint: colors.bold },
        { text: state, paint: paintSigns(colors) },
      ],
    ],
    [{ minWidth: 20 }, { minWidth: 40 }],
    width,
  );
  return [title, colors.dim(`${INDENT}${message.id}`)];
}

/** `✓ delivered`, or `2 delivered, 1 bounced`. */
function describeStates(recipients: readonly RecipientView[]): string {
  const counts = new Map<string, number>();
  for (const { state } of recipients) {
    const word = state ?? 'unknown';
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts]
    .map(([word, count]) => {
      const sign = SIGNS[`email.${word}`]?.sign ?? '…';
      return recipients.length === 1 ? `${sign} ${word}` : `${sign} ${count} ${word}`;
    })
    .join(', ');
}

function describeType(event: CanonicalEvent, width: number, colors: Colors): Cell {
  const { sign, color } = SIGNS[event.type] ?? { sign: '·', color: 'dim' as const };
  const type = width < FULL_TYPE_WIDTH ? event.type.replace(/^email\./, '') : event.type;
  return { text: `${sign} ${type}`, paint: colors[color] };
}

/** The reply with its code in front, whether or not the text has it already. */
function describeReply({ type, data }: CanonicalEvent): string {
  const { delivery } = data;
  if (delivery === undefined) return '–';
  if (type === 'email.sent') return delivery.mx ? `(reached ${plain(delivery.mx)})` : '–';
  const text = plain(delivery.response ?? '');
  const code = delivery.smtp_code === null ? '' : String(delivery.smtp_code ?? '');
  return (text.startsWith(code) ? text : `${code} ${text}`) || '–';
}

/** `✓ 200 in 12 ms`, or `✗ 500, ✓ 200 (2nd)`; several endpoints one after the other. */
export function describeDeliveries(deliveries: readonly DeliveryView[], nowMs: number): string {
  if (deliveries.length === 0) return '– no endpoint asked for it';
  return deliveries.map((delivery) => describeDelivery(delivery, nowMs)).join('; ');
}

function describeDelivery(delivery: DeliveryView, nowMs: number): string {
  const { attempts, state } = delivery;
  const [first] = attempts;
  if (attempts.length === 1 && first?.outcome === 'succeeded') {
    return `✓ ${first.status ?? 'taken'} in ${first.latency_ms} ms`;
  }
  const parts: string[] = [];
  let failures = 0;
  for (const [at, attempt] of attempts.entries()) {
    const word = attempt.status ?? describeError(attempt.error_code);
    if (attempt.outcome === 'succeeded') {
      parts.push(`✓ ${word} (${ordinal(at + 1)})`);
      continue;
    }
    const before = attempts[at - 1];
    const isRepeated =
      before !== undefined &&
      before.outcome === attempt.outcome &&
      before.status === attempt.status &&
      before.error_code === attempt.error_code;
    failures = isRepeated ? failures + 1 : 1;
    if (isRepeated) parts.pop();
    parts.push(failures === 1 ? `✗ ${word}` : `✗ ${word} ×${failures}`);
  }
  return [...parts, ...describeRest(state, delivery.next_attempt_at, nowMs)].join(', ');
}

/** `connection_refused` -> `refused`: the column is narrow. */
function describeError(code: string | null): string {
  return code?.replace(/^connection_/, '').replaceAll('_', ' ') ?? 'no answer';
}

function describeRest(state: string, nextAttemptAt: string | null, nowMs: number): string[] {
  if (state === 'delivered') return [];
  if (!isLiveState(state)) return [state === 'dead' ? 'given up' : `– ${state}`];
  if (nextAttemptAt === null) return ['… under way'];
  return [`… again in ${formatOffset(Math.max(0, Date.parse(nextAttemptAt) - nowMs))}`];
}

function ordinal(number: number): string {
  return `${number}${['st', 'nd', 'rd'][number - 1] ?? 'th'}`;
}

/** `0.012 s`, `4.210 s`, `3 m 05 s`. */
export function formatOffset(ms: number): string {
  if (Math.abs(ms) < 60_000) return `${(ms / 1_000).toFixed(3)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.trunc(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
}

/** Signs keep their colour in the middle of a cell. */
function paintSigns(colors: Colors): (text: string) => string {
  return (text) => text.replaceAll('✓', colors.green('✓')).replaceAll('✗', colors.red('✗'));
}
