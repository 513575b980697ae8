import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import {
  createGenericProvider,
  createKeyFetcher,
  findProvider,
  type GenericOptions,
  numberText,
  PROVIDERS,
  type Provider,
  type ProviderRequest,
  parseLosslessJson,
  WebhookError,
} from '@posthorn/sdk';
import { nearestName } from '../../../core/nearest-name.ts';
import { systemClock } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';

/** What the commands that read a provider's request take. */
export interface ProviderInput {
  provider: string;
  /** Several while one is being replaced; `@FILE` reads one from a file. */
  secrets: readonly string[];
  /** The URL as it was given to the provider. */
  url?: string;
  /** How old a signature may be; a request out of a log may be of any age, so not checked by default. */
  toleranceSeconds?: number;
  /** A JSON file for `generic`: mapping and signature. */
  mapping?: string;
  json: boolean;
}

/** What they need of the world, so that a test can give it. */
export interface ProviderWorld {
  readInput: () => string | Promise<string>;
  out: (line: string) => void;
  err: (line: string) => void;
  nowMs: () => number;
  fetchKey: (url: string) => Promise<string>;
}

export const createSystemWorld = (): ProviderWorld => ({
  // Not readFileSync(0): that fails while a program before this one has written nothing yet.
  readInput: () => text(process.stdin),
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  nowMs: () => systemClock.now(),
  fetchKey: createKeyFetcher(),
});

/** A mistake of the caller's, beside the codes of WebhookError. */
export class InputError extends Error {
  readonly code: 'unknown_provider' | 'invalid_input';
  constructor(code: InputError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Throws InputError. */
export function selectProvider({
  provider: name,
  mapping,
}: Pick<ProviderInput, 'provider' | 'mapping'>): Provider {
  const found = findProvider(name);
  if (found === undefined) {
    const nearest = nearestName(
      name,
      PROVIDERS.flatMap((one) => [one.name, ...one.aliases]),
    );
    const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
    const names = PROVIDERS.map((one) => one.name).join(', ');
    throw new InputError(
      'unknown_provider',
      `There is no provider "${name}".${hint} Known: ${names}.`,
    );
  }
  if (mapping === undefined) return found;
  if (found.name !== 'generic') {
    throw new InputError('invalid_input', '--mapping is for the provider "generic" only.');
  }
  return createGenericProvider(readMapping(mapping));
}

/** `{"mapping": {"fields": {...}}, "signature": {...}}`, or the mapping alone. */
function readMapping(file: string): GenericOptions {
  const parsed = parseObject(readText(file), `The mapping ${file}`);
  const options = 'fields' in parsed ? { mapping: parsed } : parsed;
  return options as unknown as GenericOptions;
}

export function verifyContext(input: ProviderInput, world: ProviderWorld) {
  const { url, toleranceSeconds } = input;
  return {
    secrets: input.secrets.map((one) =>
      one.startsWith('@') ? readText(one.slice(1)).trim() : one,
    ),
    nowMs: world.nowMs(),
    toleranceMs:
      toleranceSeconds === undefined ? Number.POSITIVE_INFINITY : toleranceSeconds * 1_000,
    fetchKey: world.fetchKey,
    ...(url === undefined ? {} : { url }),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InputError('invalid_input', `${file} cannot be read: ${messageOf(error)}`);
  }
}

function parseObject(text: string, what: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = parseLosslessJson(text);
  } catch (error) {
    throw new InputError('invalid_input', `${what} is not JSON: ${messageOf(error)}`);
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new InputError('invalid_input', `${what} is not a JSON object.`);
}

/**
 * `{"method", "url", "headers", "body" or "body_b64"}` as a request. Throws InputError `invalid_input`.
 */
export function readRequest(input: string, url: string | undefined): ProviderRequest {
  const given = parseObject(input, 'Standard input');
  const { method = 'POST', url: requested = '', headers = {}, body = '', body_b64 } = given;
  if (typeof method !== 'string' || typeof requested !== 'string') {
    throw new InputError('invalid_input', '"method" and "url" are texts.');
  }
  return {
    method: method.toUpperCase(),
    url: url ?? requested,
    headers: readHeaders(headers),
    body: readBody(body, body_b64),
  };
}

function readHeaders(headers: unknown): Record<string, string | string[]> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new InputError('invalid_input', '"headers" is an object of names and values.');
  }
  const texts = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(toText) : toText(value),
  ]);
  return Object.fromEntries(texts);
}

const toText = (value: unknown): string =>
  typeof value === 'string' ? value : (numberText(value) ?? '');

/** A body that is given as JSON instead of as text is written anew; its signature cannot hold then. */
function readBody(body: unknown, encoded: unknown): Uint8Array {
  if (typeof encoded === 'string') return Buffer.from(encoded, 'base64');
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body), 'utf8');
}

/** Says what is wrong, with its code. The exit code: 2 when there is no such provider, else 1. */
export function reportError(
  error: unknown,
  { command, json }: { command: string; json: boolean },
  world: Pick<ProviderWorld, 'err'>,
): number {
  const isKnown = error instanceof WebhookError || error instanceof InputError;
  const code = isKnown ? error.code : 'internal';
  const message = messageOf(error);
  world.err(json ? JSON.stringify({ code, message }) : `posthorn ${command}: ${code}: ${message}`);
  return code === 'unknown_provider' ? 2 : 1;
}
