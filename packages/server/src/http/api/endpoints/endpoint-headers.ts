import type {
  EndpointSecrets,
  EndpointSettings,
} from '../../../core/webhooks/endpoint-settings.ts';

/** Headers that a person adds to the posts of an endpoint. */

export const MAX_HEADERS = 20;
/** Of all names and values together. Servers refuse heads of 8 kB and more, and ours is in it too. */
export const MAX_HEADERS_BYTES = 4_096;

/** What is shown instead of a secret value. */
export const HIDDEN_VALUE = '***';

/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 5.5, without the bytes above ASCII, which everybody reads differently. */
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

/** What Posthorn writes itself, and what belongs to the connection and not to the message. */
const OURS = new Set([
  'connection',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'signature',
  'signature-input',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
]);
const OUR_PREFIXES = ['webhook-', 'ce-', 'svix-', 'x-amz-sns-'];

/** Secret whatever the caller says of them: they let somebody in. */
const ALWAYS_SECRET = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);

/** As it comes in: a value, a value that says whether it is secret, or null to remove the header. */
export type HeaderInput = string | { value: string; secret?: boolean | undefined } | null;

/** What is wrong with a header, as a sentence that says what to do; `null` when it is fine. */
export function explainHeader(name: string, input: HeaderInput): string | null {
  if (!TOKEN.test(name)) {
    return `"${name}" is not the name of a header: letters, digits and hyphens, such as X-Tenant.`;
  }
  const lower = name.toLowerCase();
  if (OURS.has(lower) || OUR_PREFIXES.some((prefix) => lower.startsWith(prefix))) {
    return `${name} is set by Posthorn. Choose another name.`;
  }
  if (input === null) return null;
  const value = typeof input === 'string' ? input : input.value;
  if (value === HIDDEN_VALUE) {
    return `${HIDDEN_VALUE} is shown instead of a secret value. Leave the header out to keep it, or give the new value.`;
  }
  if (VALUE.test(value)) return null;
  return 'A value has printable ASCII characters and no line breaks, and neither begins nor ends with a space.';
}

type Headers = Pick<EndpointSettings, 'headers'> & { secretHeaders: EndpointSecrets['headers'] };

/**
 * The headers with a change merged in, name by name whatever their case. A new value for a secret
 * header stays secret unless the change says otherwise.
 */
export function mergeHeaders(
  before: Headers,
  change: Readonly<Record<string, HeaderInput>>,
): Headers {
  const headers = { ...before.headers };
  const secretHeaders = { ...before.secretHeaders };
  for (const [name, input] of Object.entries(change)) {
    removeHeader(headers, name);
    const wasSecret = removeHeader(secretHeaders, name);
    if (input === null) continue;
    const { value, secret = wasSecret } = typeof input === 'string' ? { value: input } : input;
    const isSecret = secret || ALWAYS_SECRET.has(name.toLowerCase());
    (isSecret ? secretHeaders : headers)[name] = value;
  }
  return { headers, secretHeaders };
}

/** Says whether it was there. */
function removeHeader(headers: Record<string, string>, name: string): boolean {
  const lower = name.toLowerCase();
  const found = Object.keys(headers).find((one) => one.toLowerCase() === lower);
  if (found === undefined) return false;
  delete headers[found];
  return true;
}

/** What is wrong with all of them together; `null` when it is fine. */
export function explainHeaderTotal({ headers, secretHeaders }: Headers): string | null {
  const all = [...Object.entries(headers), ...Object.entries(secretHeaders)];
  if (all.length > MAX_HEADERS) return `An endpoint has at most ${MAX_HEADERS} headers.`;
  // Each line has a colon, a space and a line break beside them.
  const bytes = all.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (bytes <= MAX_HEADERS_BYTES) return null;
  return `The headers of an endpoint have at most ${MAX_HEADERS_BYTES} bytes; these have ${bytes}.`;
}

/** As they are shown: by name, secret values hidden. */
export function showHeaders({ headers, secretHeaders }: Headers): Record<string, string> {
  const hidden = Object.keys(secretHeaders).map((name) => [name, HIDDEN_VALUE]);
  return { ...headers, ...Object.fromEntries(hidden) };
}

/** The headers of a post (name, value, name, value ...) as they are shown: secret values hidden. */
export function showHeaderList(
  flat: readonly string[],
  secretHeaders: EndpointSecrets['headers'],
): { name: string; value: string }[] {
  const list: { name: string; value: string }[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] ?? '';
    const value = flat[i + 1] ?? '';
    list.push({ name, value: secretHeaders[name] === value ? HIDDEN_VALUE : value });
  }
  return list;
}
