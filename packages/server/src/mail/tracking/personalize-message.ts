import { hashSuppressed } from '../../core/mail/suppression.ts';
import type { MessageTracking } from '../../core/mail/tracking.ts';
import type { MessageRecord } from '../../store/mail/messages.ts';
import { findTextParts, type Part } from '../mime/find-parts.ts';
import {
  applyPatches,
  decodePart,
  encodePart,
  encodingPatch,
  type Patch,
} from '../mime/transfer-encoding.ts';
import { applyEdits, findHtmlEdits, type HtmlEdit } from './find-html-edits.ts';
import { findTextLinks } from './find-text-links.ts';
import { MAX_WRAPPED_URL_BYTES, type TrackingTokens } from './tracking-token.ts';

/** What stands in a message where the recipient's own unsubscribe page is to be linked. */
export const UNSUBSCRIBE_PLACE = 'posthorn:unsubscribe';

/** In these, markup does not look like ASCII, or ASCII may be half of another character. */
const OTHER_THAN_ASCII = /^(utf-?(7|16|32)|ucs-|unicode|iso-2022|hz-)/;

/** The URLs of one recipient's copy. */
interface CopyUrls {
  click(url: string, linkId: string): string;
  open(): string;
  unsubscribe: string | null;
  leavingAddress: string | null;
  isTracked: boolean;
}

/** A place of the message that differs from copy to copy. */
type Slot = (urls: CopyUrls) => Patch[];

type NumberedEdit = HtmlEdit & { linkId: string };

/**
 * Makes the copies of a message whose recipients each get their own: links and pixel lead to us, and
 * List-Unsubscribe to the recipient's page. Everything else stays byte for byte as it was, inside a
 * transfer encoding too. The message is read once; each copy is then put together from its pieces.
 */
export function preparePersonalCopies(
  raw: Buffer,
  deps: {
    message: Pick<MessageRecord, 'projectId' | 'id' | 'stream' | 'headerFrom'>;
    tracking: MessageTracking;
    tokens: Pick<TrackingTokens, 'make'>;
    /** The address for leaving by mail; null for none. */
    leavingAddress: (recipient: string) => string | null;
    /** What URLs of ours begin with, without a slash at the end. */
    origin: string;
  },
): (recipient: string) => Buffer {
  const { message, tracking, tokens, origin } = deps;
  const { projectId, id: messageId, stream, headerFrom: from } = message;
  const header = readListUnsubscribe(raw);
  const untouched = new Set(header.urls);
  const mayWrap = (url: string): boolean =>
    isWrappable(url) && !untouched.has(url) && !url.startsWith(`${origin}/t/`);
  const slots = [
    ...(tracking.unsubscribe && !header.hasPage ? [headerSlot(header)] : []),
    ...partSlots(raw, tracking, mayWrap),
  ];
  return (recipient) => {
    const ref = { projectId, messageId, recipient };
    const link = (letter: string, token: string): string => `${origin}/t/${letter}/${token}`;
    const page = (): string =>
      link('u', tokens.make({ kind: 'unsubscribe', ...ref, stream, from }));
    const urls: CopyUrls = {
      open: () => link('o', tokens.make({ kind: 'open', ...ref })),
      click: (url, linkId) => link('c', tokens.make({ kind: 'click', ...ref, url, linkId })),
      unsubscribe: tracking.unsubscribe ? page() : null,
      leavingAddress: tracking.unsubscribe ? deps.leavingAddress(recipient) : null,
      isTracked: !tracking.except.includes(hashSuppressed(projectId, recipient)),
    };
    return applyPatches(
      raw,
      slots.flatMap((slot) => slot(urls)),
    );
  };
}

function partSlots(
  raw: Buffer,
  tracking: MessageTracking,
  mayWrap: (url: string) => boolean,
): Slot[] {
  const counts = { html: 0, text: 0 };
  let hasPixel = false;
  return findTextParts(raw).flatMap((part): Slot[] => {
    const decode = decoderOf(part.charset);
    if (decode === null) return [];
    const content = decodePart(raw, part).toString('latin1');
    if (part.type === 'text/plain') {
      if (!tracking.textLinks && !content.includes(UNSUBSCRIBE_PLACE)) return [];
      const edits = findTextLinks(content, decode).map((link) => {
        counts.text += 1;
        return { ...link, linkId: `t${counts.text}` };
      });
      return [toSlot(raw, part, content, edits, textRenderer(tracking, mayWrap))];
    }
    const pixelHere = tracking.opens && !hasPixel;
    hasPixel = true;
    const edits = findHtmlEdits(content, decode).map((edit) => {
      if (edit.kind === 'link') counts.html += 1;
      return { ...edit, linkId: String(counts.html) };
    });
    const render = htmlRenderer(pixelHere ? tracking : { ...tracking, opens: false }, mayWrap);
    return [toSlot(raw, part, content, edits, render)];
  });
}

function toSlot<E extends { start: number; end: number }>(
  raw: Buffer,
  part: Part,
  content: string,
  edits: readonly E[],
  rendererOf: (urls: CopyUrls) => (edit: E) => string | null,
): Slot {
  return (urls) => {
    const changed = applyEdits(content, edits, rendererOf(urls));
    if (changed === content) return [];
    const { body, encoding } = encodePart(Buffer.from(changed, 'latin1'), part.encoding);
    return [
      ...(encoding === part.encoding ? [] : [encodingPatch(raw, part, encoding)]),
      { start: part.bodyStart, end: part.bodyEnd, bytes: body },
    ];
  };
}

function htmlRenderer(tracking: MessageTracking, mayWrap: (url: string) => boolean) {
  return (urls: CopyUrls) =>
    (edit: NumberedEdit): string | null => {
      if (edit.kind === 'remove') return '';
      if (edit.kind === 'pixel') {
        if (!tracking.opens || !urls.isTracked) return null;
        return `<img src="${urls.open()}" alt="" width="1" height="1" style="border:0">`;
      }
      if (edit.url === UNSUBSCRIBE_PLACE) return quote(urls.unsubscribe);
      if (!tracking.clicks || !urls.isTracked || !mayWrap(edit.url)) return null;
      return quote(urls.click(edit.url, edit.linkId));
    };
}

function textRenderer(tracking: MessageTracking, mayWrap: (url: string) => boolean) {
  return (urls: CopyUrls) =>
    ({ url, linkId }: { url: string; linkId: string }): string | null => {
      if (url === UNSUBSCRIBE_PLACE) return urls.unsubscribe;
      if (!tracking.textLinks || !urls.isTracked || !mayWrap(url)) return null;
      return urls.click(url, linkId);
    };
}

/** Tokens have no character that means anything in HTML. */
function quote(url: string | null): string | null {
  return url === null ? null : `"${url}"`;
}

function isWrappable(url: string): boolean {
  if (!/^https?:\/\//i.test(url) || Buffer.byteLength(url) > MAX_WRAPPED_URL_BYTES) return false;
  return !/[\u0000-\u001f\u007f]/.test(url) && URL.canParse(url);
}

/** Null for charsets in which markup cannot be found byte by byte. */
function decoderOf(charset: string): ((bytes: string) => string) | null {
  if (OTHER_THAN_ASCII.test(charset)) return null;
  try {
    const decoder = new TextDecoder(charset);
    return (bytes) => decoder.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return null;
  }
}

interface ListUnsubscribe {
  /** The field that is there. */
  start: number;
  end: number;
  value: string;
  urls: string[];
  /** It has a page already; ours would be a second one. */
  hasPage: boolean;
}

function readListUnsubscribe(raw: Buffer): ListUnsubscribe {
  const blank = raw.indexOf('\r\n\r\n');
  const text = raw.toString('latin1', 0, blank === -1 ? 0 : blank + 2);
  const match = /^list-unsubscribe[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n/im.exec(text);
  const value = (match?.[1] ?? '').replace(/\r\n/g, '').trim();
  const urls = [...value.matchAll(/<\s*([^<>\s]+)\s*>/g)].map(([, url]) => url ?? '');
  const start = match?.index ?? 0;
  return {
    start,
    end: start + (match?.[0].length ?? 0),
    value,
    urls,
    hasPage: urls.some((url) => /^https?:/i.test(url)),
  };
}

/** RFC 8058 3.1: the page first, then an address of ours unless the sender has one, then what he offers. */
function headerSlot({ start, end, value, urls }: ListUnsubscribe): Slot {
  const hasAddress = urls.some((url) => /^mailto:/i.test(url));
  return ({ unsubscribe, leavingAddress }) => {
    const ways = [
      `<${unsubscribe}>`,
      ...(hasAddress || leavingAddress === null
        ? []
        : [`<mailto:${leavingAddress}?subject=unsubscribe>`]),
      ...(value === '' ? [] : [value]),
    ];
    // One to a line: each is long, and a line has 998 characters at most (RFC 5322 2.1.1).
    const text = `List-Unsubscribe: ${ways.join(',\r\n ')}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n`;
    return [{ start, end, bytes: Buffer.from(text, 'latin1') }];
  };
}
