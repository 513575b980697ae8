import type { IncomingMail } from '../../smtp/incoming/incoming.ts';

/** RFC 5321 6.3: where mail goes round in a circle, these headers become many; 100 at least are to be let through. */
const MAX_HOPS = 100;

/** Whether a mail has been handed on so often that it must be going in a circle. */
export function isLooping(raw: Buffer): boolean {
  const end = findHeaderEnd(raw);
  const text = raw.toString('latin1', 0, end);
  return (text.match(/^received[ \t]*:/gim)?.length ?? 0) > MAX_HOPS;
}

/** Where the header section ends: the blank line is not part of it. */
export function findHeaderEnd(raw: Buffer): number {
  const ends = ['\r\n\r\n', '\n\n'].map((blank) => raw.indexOf(blank)).filter((at) => at !== -1);
  return ends.length === 0 ? raw.length : Math.min(...ends);
}

/** What the last server writes on top of a mail (RFC 5321 4.4). */
export function traceHeaders(
  mail: Pick<IncomingMail, 'from' | 'helo' | 'remoteAddress' | 'isSecure'>,
  ours: { hostname: string; id: string; recipient: string; atMs: number },
): Buffer {
  const address = mail.remoteAddress.includes(':')
    ? `IPv6:${mail.remoteAddress}`
    : mail.remoteAddress;
  const date = new Date(ours.atMs).toUTCString().replace('GMT', '+0000');
  const lines = [
    `Return-Path: <${plain(mail.from)}>`,
    `Received: from ${plain(mail.helo) || 'unknown'} ([${address}])`,
    ` by ${ours.hostname} with ${mail.isSecure ? 'ESMTPS' : 'ESMTP'} id ${ours.id}`,
    ` for <${plain(ours.recipient)}>; ${date}`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

/** Nothing of a stranger's breaks out of a line or a bracket. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u0020<>()\u007f]/g, '').slice(0, 320);
}
