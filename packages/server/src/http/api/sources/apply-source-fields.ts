import { checkProviderSecret, findProvider } from '@posthorn/sdk';
import {
  DEFAULT_SOURCE_SETTINGS,
  type SourceRecord,
  type SourceSecrets,
  type SourceSettings,
} from '../../../core/source.ts';
import { messageOf } from '../../../lib/errors.ts';
import { stopStatusOf } from '../../../sources/provider-of.ts';
import { refuse } from '../endpoints/apply-fields.ts';
import type { SourceFields } from './source-fields.ts';

export interface SourceDraft extends Pick<SourceRecord, 'name' | 'provider' | 'settings'> {
  secrets: SourceSecrets;
}

/**
 * The source with the fields that are there: absent leaves what was, null goes back to the default.
 * Throws `invalid_field` for what its provider does not have.
 */
export function applySourceFields(
  before: SourceDraft,
  fields: SourceFields,
  nowMs: number,
): SourceDraft {
  checkProvider(before.provider, fields);
  const { secrets } = fields;
  for (const [i, secret] of (secrets ?? []).entries()) {
    checkSecret(before.provider, secret, `/secrets/${i}`);
  }
  const kept = before.secrets;
  return {
    provider: before.provider,
    name: pick(fields.name, before.name, titleOf(before.provider)),
    settings: applySettings(before.settings, fields),
    secrets:
      secrets === undefined
        ? kept
        : {
            ...kept,
            secrets: [...new Set(secrets ?? [])].map((text) => {
              const known = kept.secrets.find((one) => one.text === text);
              return { text, createdAtMs: known?.createdAtMs ?? nowMs, expiresAtMs: null };
            }),
          },
  };
}

/** Throws `invalid_field` at the pointer. */
export function checkSecret(provider: string, secret: string, pointer: string): void {
  const found = findProvider(provider);
  try {
    if (found !== undefined) checkProviderSecret(found, secret);
  } catch (error) {
    refuse(pointer, messageOf(error));
  }
}

export function titleOf(provider: string): string {
  return findProvider(provider)?.title ?? provider;
}

function applySettings(before: SourceSettings, fields: SourceFields): SourceSettings {
  const none = DEFAULT_SOURCE_SETTINGS;
  return {
    topics: pick(fields.topics, before.topics, none.topics),
    signedUrl: pick(fields.signed_url, before.signedUrl, none.signedUrl),
    mapping: pick(fields.mapping, before.mapping, none.mapping),
    signature: applySignature(before.signature, fields.signature),
    stream: pick(fields.stream, before.stream, none.stream),
    tags: pick(fields.tags, before.tags, none.tags),
    expectEveryMs: pick(fields.expect_every, before.expectEveryMs, none.expectEveryMs),
    onRefusal: pick(fields.on_refusal, before.onRefusal, none.onRefusal),
  };
}

function applySignature(
  before: SourceSettings['signature'],
  given: SourceFields['signature'],
): SourceSettings['signature'] {
  if (given === undefined) return before;
  if (given === null) return null;
  const { timestamp_header: timestampHeader, ...rest } = given;
  return { ...rest, ...(timestampHeader === undefined ? {} : { timestampHeader }) };
}

function pick<T>(given: T | null | undefined, before: T, fallback: T): T {
  return given === undefined ? before : (given ?? fallback);
}

/** Options that would do nothing were probably meant for another source. */
function checkProvider(provider: string, fields: SourceFields): void {
  const { topics, mapping, signature, signed_url, on_refusal } = fields;
  const title = titleOf(provider);
  if (topics?.length && provider !== 'ses' && provider !== 'scaleway') {
    refuse('/topics', `${title} does not come by way of SNS; topics are for ses and scaleway.`);
  }
  if (mapping != null && provider !== 'generic') {
    refuse('/mapping', `${title} has a decoder of its own; a mapping is for generic.`);
  }
  if (signature != null && provider !== 'generic') {
    refuse('/signature', `How ${title} signs is known; this is for generic.`);
  }
  if (signed_url != null && provider !== 'mandrill') {
    refuse('/signed_url', `${title} does not sign its URL; this is for mandrill.`);
  }
  const found = findProvider(provider);
  if (on_refusal === 'stop' && (found === undefined || stopStatusOf(found) === null)) {
    refuse('/on_refusal', `${title} has no status after which it does not try again. Use "retry".`);
  }
}
