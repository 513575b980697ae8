import { createHmac } from 'node:crypto';
import { domainToUnicode } from 'node:url';
import type { CanonicalEvent } from '@posthorn/sdk';
import { domainOf, toComparableAddress } from './mail-domain.ts';

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
export function redactEventBody(bodyJson: string, mode: RedactMode, key: string): string {
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

function hashAddress(address: string, key: string): string {
  const text = toComparableAddress(address);
  return `sha256:${createHmac('sha256', key).update(text).digest('hex')}`;
}

type Data = CanonicalEvent['data'];

function createRedaction(recipient: string, substitute: string): (data: Data) => Data {
  const forms = listForms(recipient);
  if (forms === null) return (data) => data;
  const address = `${anyOf(forms.locals)}${anyOf(AT_SIGNS)}${anyOf(forms.domains)}`;
  const words = forms.words.map(
    (word) => `|(?<![\\p{L}\\p{N}])${escapePattern(word)}(?![\\p{L}\\p{N}])`,
  );
  const anywhere = new RegExp(address, 'giu');
  const inReply = new RegExp(address + words.join(''), 'giu');
  const redact = (text: string, pattern: RegExp): string => text.replace(pattern, () => substitute);

  function walk(value: unknown): unknown {
    if (typeof value === 'string') return redact(value, anywhere);
    if (typeof value !== 'object' || value === null) return value;
    return Array.isArray(value) ? value.map(walk) : walkFields(value);
  }

  function walkFields(value: object): object {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [redact(name, anywhere), walk(item)]),
    );
  }

  return (given) => {
    const data: Data = walkFields(given);
    const response = given.delivery?.response;
    if (response != null) data.delivery = { ...data.delivery, response: redact(response, inReply) };
    const description = given.bounce?.description;
    if (data.bounce !== undefined && description != null) {
      data.bounce = { ...data.bounce, description: redact(description, inReply) };
    }
    return data;
  };
}

/** As it is; in a URL, once or twice encoded; in HTML; in the return path of a mailing (VERP). */
const AT_SIGNS = ['@', '%40', '%2540', '&#64;', '='];

/** Shorter ones are words and parts of words. */
const MIN_WORD_CHARS = 3;

/** How the parts of an address may be written; null where it is none. */
function listForms(
  recipient: string,
): { locals: string[]; domains: string[]; words: string[] } | null {
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
    words: unique(locals).filter((one) => one.length >= MIN_WORD_CHARS),
  };
}

/** `toWellFormed`: of half a surrogate pair encodeURIComponent makes an error. */
function withEncoded(texts: readonly string[]): string[] {
  return unique(texts.flatMap((text) => [text, encodeURIComponent(text.toWellFormed())]));
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

/** Literals only, the longer ones first: such a pattern cannot run away, and takes all that fits. */
function anyOf(texts: readonly string[]): string {
  const sorted = texts.toSorted((a, b) => b.length - a.length);
  return `(?:${sorted.map(escapePattern).join('|')})`;
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
