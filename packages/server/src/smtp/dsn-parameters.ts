import type { SMTPServerAddress, SMTPServerEnvelope } from 'smtp-server';
import { DSN_OCCASIONS, type DsnRequest } from '../core/mail/dsn.ts';

/** RFC 3461 4.4 and 4.2, as they stand in the command; decoded they are shorter. */
const MAX_ENVID_CHARS = 100;
const MAX_ORCPT_CHARS = 500;

/** What is wrong with the length of ENVID or ORCPT, as half a sentence; null: nothing. */
export function faultOfDsnParameters({ args }: SMTPServerAddress): string | null {
  if (args === false) return null;
  if (lengthOf(args['ENVID']) > MAX_ENVID_CHARS) {
    return `ENVID is longer than ${MAX_ENVID_CHARS} characters`;
  }
  if (lengthOf(args['ORCPT']) > MAX_ORCPT_CHARS) {
    return `ORCPT is longer than ${MAX_ORCPT_CHARS} characters`;
  }
  return null;
}

function lengthOf(value: string | true | undefined): number {
  return typeof value === 'string' ? encodeXtext(value).length : 0;
}

/** Null where nothing was asked for. From the commands themselves: smtp-server keeps what a refused MAIL said. */
export function readDsnRequest({ mailFrom, rcptTo }: SMTPServerEnvelope): DsnRequest | null {
  if (mailFrom === false) return null;
  const { RET, ENVID } = mailFrom.args === false ? {} : mailFrom.args;
  const ret = typeof RET === 'string' ? (RET.toUpperCase() === 'FULL' ? 'full' : 'hdrs') : null;
  const envid = typeof ENVID === 'string' ? ENVID : null;
  const recipients = rcptTo.flatMap(({ address: recipient, dsn }) => {
    if (dsn === undefined) return [];
    const { notify: words, orcpt = null } = dsn;
    const notify =
      words === undefined
        ? null
        : DSN_OCCASIONS.filter((one) => words.some((word) => word.toLowerCase() === one));
    // Mail servers write it wherever DSN is offered, though it says nothing new.
    const isSame = orcpt?.toLowerCase() === `rfc822;${recipient}`.toLowerCase();
    return notify === null && isSame ? [] : [{ recipient, notify, orcpt }];
  });
  return ret === null && envid === null && recipients.length === 0
    ? null
    : { ret, envid, recipients };
}

/** What stands behind the address in MAIL, for a server that offers DSN. */
export function formatMailParameters({ ret, envid }: DsnRequest): string {
  const parts = [
    ...(ret === null ? [] : [`RET=${ret.toUpperCase()}`]),
    ...(envid === null ? [] : [`ENVID=${encodeXtext(envid)}`]),
  ];
  return parts.map((part) => ` ${part}`).join('');
}

/** The same in RCPT, for one of the recipients. */
export function formatRcptParameters(request: DsnRequest, recipient: string): string {
  const found = request.recipients.find((one) => one.recipient === recipient);
  if (found === undefined) return '';
  const { notify, orcpt } = found;
  const words = notify?.length === 0 ? 'NEVER' : notify?.join(',').toUpperCase();
  const [, type = '', address = ''] = /^([^;]+);(.*)$/s.exec(orcpt ?? '') ?? [];
  const parts = [
    ...(words === undefined ? [] : [`NOTIFY=${words}`]),
    // One that is not ASCII has forms of its own (RFC 6533 3), and is only for the sender's eyes.
    ...(type === '' || /[^\x20-\x7e]/.test(address)
      ? []
      : [`ORCPT=${type};${encodeXtext(address)}`]),
  ];
  return parts.map((part) => ` ${part}`).join('');
}

/** RFC 3461 4: what is not printable ASCII, and `+` and `=`, as two hexadecimal digits. */
function encodeXtext(text: string): string {
  const hex = (byte: number): string => `+${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return text.replace(/[^!-*,-<>-~]/gu, (char) => [...Buffer.from(char)].map(hex).join(''));
}
