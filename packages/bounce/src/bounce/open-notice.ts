import { addressKey, findAddresses } from '../mail/addresses.ts';
import type { MailParts } from '../mail/collect-parts.ts';
import { type Headers, parseHeaders } from '../mail/parse-headers.ts';
import { NOTICE_FORMATS } from '../notice/formats/index.ts';
import type { Finding, Notice } from '../notice/notice.ts';
import { splitOriginal } from '../notice/split-original.ts';

export interface OpenedNotice {
  notice: Notice;
  /** Headers of the returned message, attached or inside of the text. */
  original: Headers | null;
}

/** Parts the words of a report from the message that it returns. */
export function openNotice(headers: Headers, parts: MailParts): OpenedNotice {
  const { notice: text, original } = splitOriginal(parts.notice);
  const own = new Set<string>();
  for (const name of ['from', 'to', 'return-path', 'reply-to']) {
    for (const value of headers.all(name)) {
      for (const { address } of findAddresses(value, 20)) own.add(addressKey(address));
    }
  }
  // Who writes to themselves is both ends of it.
  for (const value of headers.all('x-failed-recipients')) {
    for (const { address } of findAddresses(value)) own.delete(addressKey(address));
  }
  const notice: Notice = { subject: headers.text('subject') ?? '', text, own };
  const inText = original === '' ? null : parseHeaders(original).headers;
  return { notice, original: parts.original ?? inText };
}

/** What the first format that finds anybody finds. */
export function readNotice(notice: Notice): Finding[] {
  for (const format of NOTICE_FORMATS) {
    const findings = format.read(notice);
    if (findings.length > 0) return findings;
  }
  return [];
}
