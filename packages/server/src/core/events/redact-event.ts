import { createHmac } from 'node:crypto';
import { domainToUnicode } from 'node:url';
import type { CanonicalEvent } from '@posthorn/sdk';
import { domainOf, toComparableAddress } from '../mail/mail-domain.ts';

/** `hash`: events of one recipient can still be told to belong together. `remove`: they cannot. */
export type RedactMode = 'hash' | 'remove';

/** What stands where the address was, with mode `remove`. */
const PLACEHOLDER = '[recipient]';

/**
 * The body of an event for an endpoint that must not see the recipient's address. `data.recipient`
 * becomes `sha256:` and the HMAC-SHA256 of the address (its domain in lower case) in hex, or `null`;
 * `data.recipient_domain` keeps the domain. Wherever else in `data` the address stands, in whatever
 * text and in whatever case, the same hash or `[recipient]` stands instead: the server's reply, links,
 * metadata, the provider's own payload.
 *
 * Other addresses stay, the sender's among them. An address that is written in yet another way
 * (base64 in a link, say) is not found. The body of an event without a recipient comes back unchanged.
 * Throws SyntaxError for what is not JSON.
 */
export function redactEventBody(bodyJson: string, mode: RedactMode, key: Uint8Array): string {
  const event = JSON.parse(bodyJson) as CanonicalEvent;
  const { recipient, recipient_domain } = event.data;
  if (recipient == null || recipient === '') return bodyJson;
  const hash = mode === 'hash' ? hashAddress(recipient, key) : null;
  const data = createRedaction(recipient, hash ?? PLACEHOLDER)(event.data);
  const domain = domainOf(recipient) || recipient_domain;
  return JSON.stringify({
    ...event,
    data: {
      ...data,
      recipient: hash,
      ...(domain === undefined ? {} : { recipient_domain: domain }),
    },
  });
}

function hashAddress(address: string, key: Uint8Array): string {
  const text = toComparableAddress(address);
  return `sha256:${createHmac('sha256', key).update(text).digest('hex')}`;
}

type Data = CanonicalEvent['data'];

/**
 * Puts the substitute wherever this very address stands in a JSON value, names of fields included,
 * however it is written there. Another address that has it as a part (`joanna@` for `anna@`) stays.
 * What is no address is found nowhere.
 */
export function replaceAddress(address: string, substitute: string): <T>(value: T) => T {
  const forms = listForms(address);
  if (forms === null) return (value) => value;
  const exact = { ...forms, locals: withEncoded([address.slice(0, address.lastIndexOf('@'))]) };
  return changeTexts((text) => {
    const folded = foldCase(text);
    const spans = findAddresses(folded, exact).filter((span) => isWhole(folded, span));
    return replaceSpans(text, spans, substitute);
  });
}

/** What stands before an address and is no part of one: `%3C` and `\\n` end in letters too. */
const BEFORE = /(^|[^\p{L}\p{N}._+-]|%[0-9a-f]{2}|\\[nrtbf]|\\u[0-9a-f]{4})$/u;
/** In a return path, `bounces+` or `bounces-`. */
const BEFORE_IN_PATH = /(^|[^\p{L}\p{N}._])$/u;
/** What stands behind: the domain does not go on. */
const BEHIND = /^($|[^\p{L}\p{N}.-]|[.-]($|[^\p{L}\p{N}]))/u;

function isWhole(folded: string, [start, end]: Span): boolean {
  const isInPath = !/@|%40|%2540|&#64;/.test(folded.slice(start, end));
  const before = folded.slice(Math.max(0, start - 6), start);
  const begins = BEFORE.test(before) || (isInPath && BEFORE_IN_PATH.test(before));
  return begins && BEHIND.test(folded.slice(end, end + 2));
}

function changeTexts(change: (text: string) => string): <T>(value: T) => T {
  function walk(value: unknown): unknown {
    if (typeof value === 'string') return change(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(walk);
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [change(name), walk(item)]),
    );
  }
  return <T>(value: T) => walk(value) as T;
}

function createRedaction(recipient: string, substitute: string): (data: Data) => Data {
  const forms = listForms(recipient);
  if (forms === null) return (data) => data;
  const replace = changeTexts((text) =>
    replaceSpans(text, findAddresses(foldCase(text), forms), substitute),
  );

  const redactReply = (text: string): string => {
    const folded = foldCase(text);
    const spans = [...findAddresses(folded, forms), ...findWords(folded, forms.words)];
    return replaceSpans(text, spans, substitute);
  };

  return (given) => {
    const data = replace(given);
    const response = given.delivery?.response;
    if (response != null) data.delivery = { ...data.delivery, response: redactReply(response) };
    const description = given.bounce?.description;
    if (data.bounce !== undefined && description != null) {
      data.bounce = { ...data.bounce, description: redactReply(description) };
    }
    return data;
  };
}

/** How the parts of an address may be written, in folded case. */
interface AddressForms {
  locals: string[];
  domains: string[];
  /** What gives the address away without a domain behind it. */
  words: string[];
}

/** As it is; in a URL, once or twice encoded; in HTML; in the return path of a mailing (VERP). */
const AT_SIGNS = ['@', '%40', '%2540', '&#64;', '='];

/** Shorter ones are words and parts of words. */
const MIN_WORD_CHARS = 3;

function listForms(recipient: string): AddressForms | null {
  const at = recipient.lastIndexOf('@');
  const ascii = domainOf(recipient);
  // Without both parts it is a word that may stand anywhere.
  if (at < 1 || ascii === '') return null;
  const local = recipient.slice(0, at);
  // `jane+shop@` is delivered to `jane@`, and that is what the server may name.
  const [mailbox = ''] = local.split('+');
  const locals = mailbox === '' ? [local] : [local, mailbox];
  return {
    locals: withEncoded(locals),
    domains: withEncoded([recipient.slice(at + 1), ascii, domainToUnicode(ascii) || ascii]),
    // Servers quote the part before the @ alone as well: "mailbox jane.doe is full".
    words: locals.filter((one) => one.length >= MIN_WORD_CHARS).map(foldCase),
  };
}

/** `toWellFormed`: of half a surrogate pair encodeURIComponent makes an error. */
function withEncoded(texts: readonly string[]): string[] {
  const all = texts.flatMap((text) => [text, encodeURIComponent(text.toWellFormed())]);
  return [...new Set(all.map(foldCase))];
}

/** For comparing, in a text of the same length: `\u0130` alone gets longer in lower case. */
function foldCase(text: string): string {
  return text.replaceAll('\u0130', 'i').toLowerCase().replaceAll('ς', 'σ');
}

type Span = readonly [start: number, end: number];

/**
 * Searched, not matched by a pattern: to compile one for each recipient took ten times as long as
 * everything else here.
 */
function findAddresses(folded: string, { locals, domains }: AddressForms): Span[] {
  const spans: Span[] = [];
  for (const local of locals) {
    for (const start of positionsOf(local, folded)) {
      for (const sign of AT_SIGNS) {
        const host = start + local.length + sign.length;
        if (!folded.startsWith(sign, host - sign.length)) continue;
        for (const domain of domains) {
          if (folded.startsWith(domain, host)) spans.push([start, host + domain.length]);
        }
      }
    }
  }
  return spans;
}

const WORD_CHAR = /[\p{L}\p{N}]/u;

function findWords(folded: string, words: readonly string[]): Span[] {
  const spans: Span[] = [];
  for (const word of words) {
    for (const start of positionsOf(word, folded)) {
      const end = start + word.length;
      const isPart = WORD_CHAR.test(folded.charAt(start - 1)) || WORD_CHAR.test(folded.charAt(end));
      if (!isPart) spans.push([start, end]);
    }
  }
  return spans;
}

function positionsOf(part: string, text: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) found.push(at);
  return found;
}

/** Spans that overlap are replaced as one. */
function replaceSpans(text: string, spans: readonly Span[], substitute: string): string {
  if (spans.length === 0) return text;
  let result = '';
  let copied = 0;
  let covered = -1;
  for (const [start, end] of spans.toSorted(([a], [b]) => a - b)) {
    if (start >= covered) result += text.slice(copied, start) + substitute;
    covered = Math.max(covered, end);
    copied = covered;
  }
  return result + text.slice(copied);
}
