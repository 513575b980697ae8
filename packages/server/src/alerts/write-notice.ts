import type { Alert, NoticeTurn } from '../core/alerts/alert-rule.ts';
import { type AlertType, entryOf } from '../core/alerts/alert-types.ts';
import { sayAge, sayValue } from '../core/alerts/say-numbers.ts';
import { toTimestamp } from '../lib/clock.ts';

export type NoticedAlert = Pick<
  Alert,
  | 'id'
  | 'ruleName'
  | 'type'
  | 'subject'
  | 'sentence'
  | 'worstValue'
  | 'firedAtMs'
  | 'resolvedAtMs'
  | 'resolvedBecause'
  | 'acknowledgedBy'
>;

/** What a person reads of an alert by mail. */
export function writeNotice(
  turn: NoticeTurn,
  alert: NoticedAlert,
  about: { project: string; portalUrl: string | null; nowMs: number },
): { subject: string; text: string } {
  const { ruleName, sentence, firedAtMs, resolvedAtMs, worstValue, type } = alert;
  const endMs = resolvedAtMs ?? about.nowMs;
  const lasted = sayAge((endMs - firedAtMs) / 1_000);
  const facts = [
    `Project: ${about.project}`,
    `Rule: ${ruleName}`,
    `Fired: ${toTimestamp(firedAtMs)}`,
    ...(resolvedAtMs === null ? [] : [`Resolved: ${toTimestamp(resolvedAtMs)}, after ${lasted}`]),
    ...(turn === 'fired' ? [] : [`At its worst: ${sayValue(entryOf(type).unit, worstValue)}`]),
    ...(alert.acknowledgedBy === null ? [] : [`Acknowledged by: ${alert.acknowledgedBy}`]),
    `Alert: ${alert.id}`,
  ];
  const where = about.portalUrl === null ? [] : ['', `${about.portalUrl}alerts`];
  const words = {
    fired: { headline: 'Firing', lead: sentence, advice: ADVICE[type] },
    reminder: {
      headline: `Still firing after ${lasted}`,
      lead: sentence,
      advice: `${ADVICE[type]} Acknowledge it, and it is not said again.`,
    },
    resolved: { headline: 'Resolved', lead: sayEnd(alert), advice: `When it fired: ${sentence}` },
  }[turn];
  return {
    subject: `[Posthorn] ${words.headline}: ${ruleName}`,
    text: [words.lead, '', ...facts, '', words.advice, ...where, ''].join('\n'),
  };
}

function sayEnd({ resolvedBecause }: Pick<Alert, 'resolvedBecause'>): string {
  switch (resolvedBecause) {
    case 'gone':
      return 'It is over: what it was about is not there any more.';
    case 'rule_disabled':
      return 'Its rule was disabled, so nobody looks any more.';
    case 'rule_deleted':
      return 'Its rule was deleted, so nobody looks any more.';
    default:
      return 'It is over. Nothing is to be done.';
  }
}

const MAIL_WAITS =
  'Nothing is lost. Look at which domains put it off (GET /v1/stats?group_by=receiving_domain), at the limits of pace (mail_destination_rate), and whether a node with the role mail runs. This mail waits in the same queue: let such a rule tell a sink too.';

/** What to do, by what has happened. */
const ADVICE: Readonly<Record<AlertType, string>> = {
  bounce_rate:
    'Look at the bounces by category (GET /v1/stats) and at what was sent last: a list that was bought or is old, or a broken import, does this. Providers block who goes on.',
  complaint_rate:
    'Gmail and Yahoo want it below 0.1% and block from 0.3%. Look at what was sent last, and to whom; stop it until you know.',
  complaints:
    'Who complained is on the suppression list already. Look at what they got: GET /v1/events?type=email.complained.',
  queue_depth:
    'Nothing is lost. Look at what the endpoint answers (GET /v1/deliveries?endpoint_id=...), at its latency and its limits.',
  queue_lag:
    'Nothing is lost. Look at what the endpoint answers (GET /v1/deliveries?endpoint_id=...), at its latency and its limits.',
  mail_queue_depth: MAIL_WAITS,
  mail_queue_lag: MAIL_WAITS,
  endpoint_failing:
    'Events wait, and are delivered when it answers with 2xx again. Look at its last attempts: GET /v1/deliveries?endpoint_id=...',
  source_silent:
    "Look at the provider's own page of webhooks: it may have switched ours off, or its URL may be an old one.",
  sink_failing:
    'Its place in the log is kept, so nothing is lost. GET /v1/sinks/{id} says what is wrong; POST /v1/sinks/{id}/test tries it.',
  sink_refusing:
    'They are kept aside, each with the reason: GET /v1/sinks/{id}/refused. Mend what it says, then send them again: POST /v1/sinks/{id}/refused/resend.',
  send_limit:
    'Beyond the limit messages are refused, or held where the project has it so. PATCH /v1/projects/{id} changes limits.',
  domain_dns:
    'Mail of the domain suffers: GET /v1/domains/{id} says what each record should be, and what DNS says.',
  destination_deferring:
    'Mail to it waits and is tried again. Its answers say why: GET /v1/events?type=email.deferred.',
  volume_drop:
    'Something that sends may have stopped, or a source may have fallen silent: look at the keys and when they were last used.',
};
