/** One recipient of a report. */
export interface DsnEntry {
  recipient: string;
  /** `rfc822;user@example.com`; null: the sender named none. */
  orcpt: string | null;
  action: 'failed' | 'delayed' | 'relayed';
  /** RFC 3463; null: none was said. */
  status: string | null;
  /** The reply of the server that was last asked; null: no server answered. */
  reply: string | null;
  remoteMta: string | null;
  /** Of `delayed`. */
  willRetryUntilMs: number | null;
}

/** A report on a message of ours to its sender. */
export interface DsnReport {
  /** Names this server. */
  hostname: string;
  to: string;
  /** Of the report, with angle brackets. */
  smtpId: string;
  /** No part of the report has it as a line. */
  boundary: string;
  atMs: number;
  about: { smtpId: string; envid: string | null; arrivedAtMs: number };
  entries: readonly DsnEntry[];
  /** What is given back of the message: its header, or all of it; null: it is gone. */
  returned: { bytes: Buffer; isWhole: boolean } | null;
}

/** RFC 5322 2.1.1 lets a line have 998 characters; what folds here is read by people too. */
const FOLD_CHARS = 200;

const DEFAULT_STATUS = { failed: '5.0.0', delayed: '4.0.0', relayed: '2.0.0' } as const;

const SUBJECTS = {
  failed: 'Your message was not delivered',
  delayed: 'Your message is delayed',
  relayed: 'Your message was passed on',
} as const;

/**
 * A delivery status notification (RFC 3464 in a report of RFC 6522): a text for people, the facts for
 * programs, and what is given back of the message. With an address that is not ASCII it has the parts of
 * RFC 6533. Values come from clients and from other servers, so none may end a line.
 */
export function composeDsn(report: DsnReport): Buffer {
  const { boundary, entries, returned } = report;
  const isGlobal = [
    report.to,
    ...entries.flatMap(({ recipient, orcpt }) => [recipient, orcpt]),
  ].some((text) => text !== null && /[^\x20-\x7e]/.test(text));
  const kind = isGlobal ? 'global-delivery-status' : 'delivery-status';
  const status = [
    [
      field('Reporting-MTA', `dns; ${report.hostname}`),
      ...optional('Original-Envelope-Id', report.about.envid),
      field('Arrival-Date', toMailDate(report.about.arrivedAtMs)),
    ],
    ...entries.map((entry) => statusFields(entry, isGlobal, report.atMs)),
  ].map((lines) => (isGlobal ? lines : lines.map(toAscii)).join('\r\n'));
  const head = [
    ...header(report),
    field(
      'Content-Type',
      `multipart/report; report-type=${kind};\r\n boundary="${boundary}"`,
      'folded',
    ),
    'MIME-Version: 1.0',
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    explain(report),
    '',
    `--${boundary}`,
    `Content-Type: message/${kind}`,
    ...(isGlobal ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    status.join('\r\n\r\n'),
    '',
    '',
  ].join('\r\n');
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  if (returned === null) return Buffer.concat([Buffer.from(head), end.subarray(2)]);
  const returnedHead = [`--${boundary}`, ...returnedFields(returned), '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head + returnedHead), returned.bytes, end]);
}

function header({ hostname, to, smtpId, atMs, about, entries }: DsnReport): string[] {
  const worst = (['failed', 'delayed', 'relayed'] as const).find((action) =>
    entries.some((entry) => entry.action === action),
  );
  return [
    field('From', `Mail Delivery System <MAILER-DAEMON@${hostname}>`),
    field('To', `<${to}>`),
    field('Subject', SUBJECTS[worst ?? 'relayed']),
    field('Date', toMailDate(atMs)),
    field('Message-ID', smtpId),
    field('References', about.smtpId),
    // RFC 3834 5: it answers a message, and wants no answer.
    'Auto-Submitted: auto-replied',
  ];
}

function explain({ hostname, entries, returned }: DsnReport): string {
  const words = {
    failed: 'could not be delivered to:',
    delayed: 'could not be delivered yet, and is tried again, to:',
    relayed: 'was passed on to a mail server that tells no more of it, for:',
  } as const;
  const paragraphs = (['failed', 'delayed', 'relayed'] as const).flatMap((action) => {
    const found = entries.filter((entry) => entry.action === action);
    if (found.length === 0) return [];
    const lines = found.map(({ recipient, reply }) => {
      const said = reply === null ? '' : `\r\n    ${cut(oneLine(reply))}`;
      return `  ${oneLine(recipient)}${said}`;
    });
    return [`Your message ${words[action]}\r\n\r\n${lines.join('\r\n')}`];
  });
  const last = returned?.isWhole === true ? 'The message is attached.' : 'Its header is attached.';
  return [
    `This is the mail server at ${oneLine(hostname)}.`,
    ...paragraphs,
    ...(returned === null ? [] : [last]),
  ].join('\r\n\r\n');
}

function statusFields(entry: DsnEntry, isGlobal: boolean, atMs: number): string[] {
  const { recipient, orcpt, action, status, reply, remoteMta, willRetryUntilMs } = entry;
  const type = isGlobal && /[^\x20-\x7e]/.test(recipient) ? 'utf-8' : 'rfc822';
  return [
    ...optional('Original-Recipient', orcpt),
    field('Final-Recipient', `${type}; ${recipient}`),
    field('Action', action),
    field('Status', status ?? DEFAULT_STATUS[action]),
    ...optional('Remote-MTA', remoteMta === null ? null : `dns; ${remoteMta}`),
    ...optional('Diagnostic-Code', reply === null ? null : `smtp; ${reply}`),
    field('Last-Attempt-Date', toMailDate(atMs)),
    ...optional(
      'Will-Retry-Until',
      willRetryUntilMs === null ? null : toMailDate(willRetryUntilMs),
    ),
  ];
}

/** RFC 3461 6.2: the whole message, or its header alone. */
function returnedFields({ bytes, isWhole }: { bytes: Buffer; isWhole: boolean }): string[] {
  const is8Bit = bytes.some((byte) => byte > 127);
  return [
    `Content-Type: ${isWhole ? 'message/rfc822' : 'text/rfc822-headers'}`,
    ...(is8Bit ? ['Content-Transfer-Encoding: 8bit'] : []),
  ];
}

function optional(name: string, value: string | null): string[] {
  return value === null ? [] : [field(name, value)];
}

function field(name: string, value: string, how?: 'folded'): string {
  if (how === 'folded') return `${name}: ${value}`;
  const words = oneLine(value).match(
    new RegExp(`.{1,${FOLD_CHARS}}(?: |$)|.{1,${FOLD_CHARS}}`, 'gu'),
  );
  return `${name}: ${(words ?? ['']).map((line) => line.trimEnd()).join('\r\n ')}`;
}

function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
}

/** RFC 3464 2.1.1: what a server said in other characters has no place there. */
function toAscii(text: string): string {
  return text.replace(/[^\r\n\x20-\x7e]/g, '?');
}

function cut(text: string): string {
  return text.length > 500 ? `${text.slice(0, 500)} [...]` : text;
}

function toMailDate(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}
