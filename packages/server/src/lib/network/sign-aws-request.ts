import { createHash, createHmac } from 'node:crypto';

export interface AwsAccount {
  keyId: string;
  secret: string;
  region: string;
  /** As its endpoint is called: `sqs`. */
  service: string;
}

export interface AwsRequest {
  method: string;
  /** What the path has of other than A-Z a-z 0-9 - . _ ~ / is read as S3 reads it: encoded once. */
  url: string;
  /** All of them are signed. Names in lower case, without `host`. */
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array;
  nowMs: number;
}

/**
 * The headers of an AWS request with its Signature Version 4: those given, x-amz-date and authorization.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signAwsRequest(request: AwsRequest, account: AwsAccount): Record<string, string> {
  const url = new URL(request.url);
  const time = new Date(request.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const headers = { ...request.headers, 'x-amz-date': time };
  const signed = Object.entries({ ...headers, host: url.host }).sort(byName);
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    url.pathname.split('/').map(reencode).join('/'),
    canonicalQuery(url),
    signed.map(([name, value]) => `${name}:${value.trim()}\n`).join(''),
    names,
    sha256(request.body),
  ].join('\n');
  const parts = [time.slice(0, 8), account.region, account.service, 'aws4_request'];
  const scope = parts.join('/');
  const key = parts.reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${account.secret}`,
  );
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const credential = `Credential=${account.keyId}/${scope}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** In hex, as x-amz-content-sha256 wants it. */
export const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex');

/** RFC 3986: nothing but unreserved characters stays. */
export function encodeForAws(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const reencode = (part: string): string => encodeForAws(decodeURIComponent(part));

function canonicalQuery(url: URL): string {
  const pairs = [...url.searchParams].map(([name, value]): [string, string] => [
    encodeForAws(name),
    encodeForAws(value),
  ]);
  return pairs
    .sort((a, b) => byName(a, b) || byName([a[1]], [b[1]]))
    .map((pair) => pair.join('='))
    .join('&');
}

/** By code point, as AWS compares. */
function byName([a]: readonly [string, ...string[]], [b]: readonly [string, ...string[]]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
