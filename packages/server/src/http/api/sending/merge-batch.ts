import type { KeyMode } from '../../../core/key-mode.ts';
import {
  fillTemplate,
  type MergeTarget,
  type MergeValues,
  parseTemplate,
  type Template,
} from '../../../core/mail/merge-fields.ts';
import { explainMetadata } from '../../../core/mail/message-limits.ts';
import { type FieldError, PosthornError } from '../../../lib/errors.ts';
import type { MessageInput } from '../../../mail/message-input.ts';
import type { MessageBody } from '../messages/message-schema.ts';
import { toMessageInput } from '../messages/to-message-input.ts';
import type { BatchBody } from './batch-schema.ts';

type Personalization = BatchBody['personalizations'][number];

/** A text of the batch that may name fields. */
interface Part {
  /** Where it stands in the body. */
  pointer: string;
  template: Template;
  /** What the filled text still has to be. */
  maxChars: number;
  isOneLine: boolean;
}

/**
 * The messages of a batch, in the order of its personalizations. Throws `invalid_field` with a pointer
 * to each thing that is wrong: nothing of a batch is sent until all of it is right.
 */
export function mergeBatch(body: BatchBody, keyMode: KeyMode): MessageInput[] {
  const { personalizations, attachments, ...shared } = body;
  const parts = readParts(shared);
  const faults: FieldError[] = [];
  // Decoded once, and shared by all of the messages.
  const files = toMessageInput(
    { ...shared, attachments, to: 'nobody@example.com' },
    keyMode,
  ).attachments;
  const inputs = personalizations.map((one, i) => {
    try {
      const merged = mergeOne(shared, one, parts);
      return { ...toMessageInput(merged, keyMode), attachments: files };
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error;
      faults.push(...atPersonalization(i, error));
      return null;
    }
  });
  if (faults.length > 0) refuse(faults);
  return inputs.filter((input) => input !== null);
}

type Shared = Omit<BatchBody, 'personalizations' | 'attachments'>;

function readParts(shared: Shared): Part[] {
  const parts: Part[] = [];
  const faults: FieldError[] = [];
  const add = (
    pointer: string,
    text: string | undefined,
    target: MergeTarget,
    maxChars: number,
  ) => {
    if (text === undefined) return;
    const { template, fault } = parseTemplate(text, target);
    if (template === null) faults.push({ pointer, detail: fault });
    else
      parts.push({ pointer, template, maxChars, isOneLine: maxChars < Number.POSITIVE_INFINITY });
  };
  add('/subject', shared.subject, 'plain', 998);
  add('/text', shared.text, 'plain', Number.POSITIVE_INFINITY);
  add('/html', shared.html, 'html', Number.POSITIVE_INFINITY);
  for (const [name, value] of Object.entries(shared.headers ?? {})) {
    add(headerPointer(name), value, 'plain', 900);
  }
  add('/unsubscribe/url', shared.unsubscribe?.url, 'url', 800);
  if (faults.length > 0) refuse(faults);
  return parts;
}

function mergeOne(shared: Shared, one: Personalization, parts: readonly Part[]): MessageBody {
  const { fields = {}, metadata = {}, ...recipients } = one;
  const filled = new Map(parts.map((part) => [part.pointer, fill(part, fields)]));
  const all = { ...shared.metadata, ...metadata };
  const fault = explainMetadata(all);
  if (fault !== null) refuse([{ pointer: '/metadata', detail: fault.detail }]);
  const headers = Object.keys(shared.headers ?? {}).map((name) => {
    return [name, filled.get(headerPointer(name)) ?? ''] as const;
  });
  return {
    ...shared,
    ...recipients,
    subject: filled.get('/subject') ?? '',
    text: filled.get('/text'),
    html: filled.get('/html'),
    headers: Object.fromEntries(headers),
    metadata: all,
    ...(shared.unsubscribe === undefined
      ? {}
      : { unsubscribe: { ...shared.unsubscribe, url: filled.get('/unsubscribe/url') } }),
  };
}

function headerPointer(name: string): string {
  return `/headers/${name}`;
}

function fill({ pointer, template, maxChars, isOneLine }: Part, values: MergeValues): string {
  const where = pointer.slice(1);
  const { text, missing } = fillTemplate(template, values);
  if (text === null) {
    const detail = `${where} needs this field, and {{${missing}}} has no fallback.`;
    return refuse([{ pointer: `/fields/${missing}`, detail }]);
  }
  if (isOneLine && /[\u0000-\u0008\u000a-\u001f\u007f]/.test(text)) {
    const detail = `A line break or control character would come into ${where}.`;
    return refuse([{ pointer: '/fields', detail }]);
  }
  if (text.length > maxChars) {
    const detail = `${where} would have ${text.length} characters; it may have ${maxChars}.`;
    return refuse([{ pointer: '/fields', detail }]);
  }
  if (where.toLowerCase() === 'headers/message-id' && !/^<[^<>\s@]+@[^<>\s@]+>$/.test(text)) {
    const detail = `A Message-ID looks like <something@example.com>; this would be ${text}.`;
    return refuse([{ pointer: '/fields', detail }]);
  }
  return text;
}

/** Pointers that begin at the personalization, made to begin at the body. */
function atPersonalization(index: number, error: PosthornError): FieldError[] {
  // What all share is checked before; only its own fields can be wrong here.
  return error.fields.map(({ pointer, detail }) => ({
    pointer: `/personalizations/${index}${pointer}`,
    detail,
  }));
}

/** More would not help anybody. */
const MAX_FAULTS = 50;

function refuse(faults: readonly FieldError[]): never {
  const [first] = faults;
  const fields = faults.slice(0, MAX_FAULTS);
  throw new PosthornError('invalid_field', `${first?.pointer}: ${first?.detail}`, { fields });
}
