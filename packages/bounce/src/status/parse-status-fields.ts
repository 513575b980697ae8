import { findAddresses, normalizeAddress } from '../mail/addresses.ts';
import { decodeWords } from '../mail/decode-words.ts';
import type { DeliveryAction } from '../report.ts';

/** The per-recipient fields of RFC 3464 section 2.3, as far as they are there. */
export interface RecipientFields {
  recipient: string;
  originalRecipient: string | null;
  action: DeliveryAction | null;
  status: string | null;
  /** What stands behind the status: `5.2.1 (mailbox disabled)`. */
  statusComment: string | null;
  diagnostic: string | null;
  /** `smtp`, `x-unix` ... in lower case. */
  diagnosticType: string | null;
  remoteMta: string | null;
  willRetry: boolean;
}

export interface StatusFields {
  reportingMta: string | null;
  envelopeId: string | null;
  /** Google's field, and In-Reply-To of nobody: the Message-ID of the message. */
  originalMessageId: string | null;
  recipients: RecipientFields[];
}

/** More recipients than any message has; RFC 5321 4.5.3.1.8 asks for 100. */
const MAX_RECIPIENTS = 1_000;

const FIELD = /^([A-Za-z][A-Za-z0-9-]{2,60})[ \t]*:[ \t]*(.*)$/;

/** Fields that begin or belong to a recipient. The first of them ends the per-message fields. */
const OF_RECIPIENT = new Set([
  'final-recipient',
  'original-recipient',
  'x-actual-recipient',
  'action',
  'status',
  'diagnostic-code',
  'remote-mta',
  'last-attempt-date',
  'will-retry-until',
]);

type Block = Map<string, string>;

/**
 * Reads the body of a `message/delivery-status` or `message/global-delivery-status` part, or the same
 * fields where a server put them into its text. Blocks may be run together, split or repeated.
 */
export function parseStatusFields(text: string): StatusFields {
  const perMessage: Block = new Map();
  const blocks: Block[] = [];
  let current: Block | null = null;
  const fields = [...readFields(text)];
  const isDoubleSpaced = fields.filter((field) => field[2]).length > fields.length * 0.8;
  for (const [name, value, afterBlank] of fields) {
    if (current === null && !OF_RECIPIENT.has(name)) {
      if (!perMessage.has(name)) perMessage.set(name, value);
      continue;
    }
    // A field that comes again starts the next recipient, blank line or not (RFC 3464 2.1: one each).
    // Blank lines say nothing where a gateway has put them everywhere.
    const starts =
      current?.has(name) === true || (afterBlank && !isDoubleSpaced && hasAddress(current));
    if (current === null || (starts && OF_RECIPIENT.has(name))) {
      if (blocks.length >= MAX_RECIPIENTS) break;
      current = new Map();
      blocks.push(current);
    }
    if (!current.has(name)) current.set(name, value);
  }
  return {
    reportingMta: typedName(perMessage.get('reporting-mta')),
    envelopeId: perMessage.get('original-envelope-id') ?? null,
    originalMessageId: perMessage.get('x-original-message-id') ?? null,
    recipients: blocks.map(readRecipient).filter((recipient) => recipient !== null),
  };
}

function* readFields(text: string): Generator<[name: string, value: string, afterBlank: boolean]> {
  let field: [string, string, boolean] | null = null;
  let afterBlank = false;
  for (const line of text.split('\n')) {
    const match = FIELD.exec(line);
    if (match !== null) {
      if (field !== null) yield field;
      field = [(match[1] ?? '').toLowerCase(), (match[2] ?? '').trim(), afterBlank];
      afterBlank = false;
    } else if (line.trim() === '') {
      afterBlank = true;
    } else if (field !== null && (!afterBlank || /^[ \t]/.test(line))) {
      // Folded (RFC 5322 2.2.3), or wrapped without its indent.
      field[1] = `${field[1]} ${line.trim()}`.slice(0, 4_000);
    }
  }
  if (field !== null) yield field;
}

function hasAddress(block: Block | null): boolean {
  return block?.has('final-recipient') === true || block?.has('original-recipient') === true;
}

function readRecipient(block: Block): RecipientFields | null {
  const final = typedAddress(block.get('final-recipient'));
  const original = typedAddress(block.get('original-recipient'));
  // A local name says less than the address that the message was sent to.
  const withDomain = [final, original].find((address) => address?.includes('@'));
  const recipient =
    withDomain ?? final ?? original ?? typedAddress(block.get('x-actual-recipient'));
  if (recipient === null) return null;
  const status = /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(block.get('status') ?? '');
  const diagnostic = block.get('diagnostic-code') ?? '';
  const type = /^([\w-]{1,40})\s*;\s*/.exec(diagnostic);
  return {
    recipient,
    originalRecipient: original,
    action: readAction(block.get('action')),
    status: status?.[1] ?? null,
    statusComment: /\((.{3,300})\)/.exec(block.get('status') ?? '')?.[1] ?? null,
    diagnostic: decodeWords(diagnostic.slice(type?.[0].length ?? 0)).trim() || null,
    diagnosticType: type?.[1]?.toLowerCase() ?? null,
    remoteMta: typedName(block.get('remote-mta')),
    willRetry: block.has('will-retry-until'),
  };
}

/** RFC 3464 2.3.3, and the words that servers put in its place. */
export function readAction(value: string | null | undefined): DeliveryAction | null {
  const word = /[a-z]+/i.exec(value ?? '')?.[0]?.toLowerCase() ?? '';
  if (/^(?:fail|error|undeliver|reject|bounce|expired)/.test(word)) return 'failed';
  if (/^(?:delay|defer|warn)/.test(word)) return 'delayed';
  if (/^(?:deliver|success)/.test(word)) return 'delivered';
  if (word.startsWith('relay')) return 'relayed';
  return word.startsWith('expand') ? 'expanded' : null;
}

/** `rfc822; a@example.com`, with or without type, brackets and comment; RFC 6533 `utf-8` included. */
function typedAddress(value: string | undefined): string | null {
  if (value === undefined) return null;
  const plain = decodeUtf8Address(decodeWords(value)).slice(0, 1_000);
  const found = findAddresses(plain, 1)[0];
  if (found !== undefined) return found.address;
  // A local name without a domain is still a recipient: `rfc822; root`.
  const name = plain
    .replace(/^[\w-]{1,40}\s*;/, '')
    .replace(/[<>"]|\(.*?\)/g, '')
    .trim();
  return name !== '' && !/\s/.test(name) ? normalizeAddress(name) : null;
}

/** RFC 6533 section 3: `\x{20AC}` stands for a character in `utf-8-addr-xtext`. */
function decodeUtf8Address(value: string): string {
  return value.replace(/\\x\{([0-9a-f]{1,6})\}/gi, (all, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code > 0x1f && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}

/** `dns; mx.example.com (192.0.2.1)` is `mx.example.com`. */
function typedName(value: string | undefined): string | null {
  const name = (value ?? '').replace(/^[\w-]{1,40}\s*;/, '').trim();
  return /^[^\s(]{1,255}/.exec(name)?.[0] ?? null;
}
