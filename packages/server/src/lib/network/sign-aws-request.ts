import { createHash, createHmac } from 'node:crypto';

/** The headers of an AWS request with its Signature Version 4, for a POST of JSON without a query. */
export function signAwsRequest(
  request: { url: string; body: string; nowMs: number },
  account: { keyId: string; secret: string; region: string; service: string },
): Record<string, string> {
  const { host, pathname } = new URL(request.url);
  const time = new Date(request.nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers = { 'content-type': 'application/json', host, 'x-amz-date': time };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['POST', pathname, '', lines.join(''), names, sha256(request.body)].join('\n');
  const scope = `${day}/${account.region}/${account.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const parts = [day, account.region, account.service, 'aws4_request'];
  const key = parts.reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${account.secret}`,
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const credential = `Credential=${account.keyId}/${scope}`;
  return {
    'content-type': headers['content-type'],
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
