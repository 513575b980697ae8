import { type KeyObject, sign } from 'node:crypto';

/** A JSON Web Token signed with RSASSA-PKCS1-v1_5 and SHA-256 (RS256, RFC 7518 section 3.3). */
export function signJwt(
  claims: Readonly<Record<string, string | number>>,
  key: KeyObject,
  keyId?: string,
): string {
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  const text = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}
