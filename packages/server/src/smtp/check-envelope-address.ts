import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

export type AddressCheck =
  /** `address` has its domain in ASCII and lower case; the local part is as it was given. */
  | { ok: true; address: string }
  | { ok: false; smtpCode: 501 | 553; enhancedCode: '5.1.3' | '5.6.7'; message: string };

/** RFC 5321 4.5.3.1.1 and 4.5.3.1.3 (a path of 256 octets has two angle brackets). */
const MAX_LOCAL_BYTES = 64;
const MAX_ADDRESS_BYTES = 254;
const MAX_DOMAIN_CHARS = 253;

/** RFC 5321 4.1.2 Dot-string and Quoted-string, opened to UTF-8 by RFC 6531 3.3. */
const DOT_STRING =
  /^[\w!#$%&'*+\-/=?^`{|}~\u0080-\uffff]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u0080-\uffff]+)*$/;
const QUOTED_STRING = /^"(?:[^"\\]|\\.)*"$/;
/** Control characters, invisible formatting characters and what UTF-8 decoding could not read. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b\u2060\ufeff\ufffd]/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Decides whether `address` may stand in an envelope, and normalises its domain (`bücher.example`
 * becomes `xn--bcher-kva.example`). Address literals are refused: mail for `user@[127.0.0.1]` would
 * be mail for a machine of ours. `smtputf8`: whether the client asked for RFC 6531, without which
 * the local part must be ASCII.
 */
export function checkEnvelopeAddress(address: string, smtputf8: boolean): AddressCheck {
  const at = address.lastIndexOf('@');
  const local = address.slice(0, at);
  if (at < 1 || UNSAFE.test(address))
    return syntaxError('The address needs a name, an @ and a domain');
  if (
    Buffer.byteLength(local) > MAX_LOCAL_BYTES ||
    Buffer.byteLength(address) > MAX_ADDRESS_BYTES
  ) {
    return syntaxError('The address is too long');
  }
  if (!DOT_STRING.test(local) && !QUOTED_STRING.test(local)) {
    return syntaxError('The part before the @ is malformed');
  }
  if (!smtputf8 && /[^\u0000-\u007f]/.test(local)) {
    // RFC 6531 3.7.1
    const message = 'The address needs SMTPUTF8, which MAIL FROM did not ask for';
    return { ok: false, smtpCode: 553, enhancedCode: '5.6.7', message };
  }
  const given = address.slice(at + 1);
  if (given.startsWith('[')) return syntaxError('Address literals are not accepted');
  const domain = domainToASCII(given).toLowerCase();
  if (!isMailDomain(domain)) return syntaxError('The domain is malformed');
  return { ok: true, address: `${local}@${domain}` };
}

/** A name of two labels or more (RFC 5321 2.3.5) that is not an IP address in disguise. */
function isMailDomain(domain: string): boolean {
  if (domain.length > MAX_DOMAIN_CHARS || isIP(domain) !== 0) return false;
  const labels = domain.split('.');
  return labels.length > 1 && labels.every((label) => LABEL.test(label));
}

function syntaxError(message: string): AddressCheck {
  return { ok: false, smtpCode: 501, enhancedCode: '5.1.3', message };
}
