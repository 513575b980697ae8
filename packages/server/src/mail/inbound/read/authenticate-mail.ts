import type { EventAuthentication, EventDkimSignature } from '@posthorn/sdk/src/event.ts';
import { authenticate } from 'mailauth';
import { NOT_KNOWN } from './protocol.ts';

/** What the connection told of a mail. */
export interface MailEnvelope {
  /** '' for the null sender. */
  from: string;
  remoteAddress: string;
  /** What the other server called itself. */
  helo: string;
  /** Our own name. */
  hostname: string;
}

/** As node:dns/promises `resolve`, its errors with a `code`. */
export type ResolveDns = (name: string, type: string) => Promise<unknown>;

/** RFC 7208 4.6.4 allows SPF ten; a signature is one, DMARC two or three. More is somebody who wants us to ask. */
const MAX_QUESTIONS = 60;
const MAX_SIGNATURES = 10;

/**
 * SPF, DKIM, DMARC and ARC of a mail (RFC 7208, 6376, 9989, 8617). Where DNS gives no answer a result is
 * `temperror`. Never rejects.
 */
export async function authenticateMail(
  raw: Uint8Array,
  { from, remoteAddress, helo, hostname }: MailEnvelope,
  resolve: ResolveDns,
): Promise<EventAuthentication> {
  let questions = 0;
  const resolver = async (name: string, type: string): Promise<string[]> => {
    questions += 1;
    if (questions > MAX_QUESTIONS) throw dnsFault('ETIMEOUT', 'Too many questions for one mail.');
    return (await resolve(name, type)) as string[];
  };
  try {
    const { spf, dkim, dmarc, arc } = await authenticate(
      Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength),
      {
        ...{ sender: from, helo, ip: remoteAddress, mta: hostname, resolver },
        disableBimi: true,
      },
    );
    // Of a mail without signatures the library has one that is none.
    const signed = dkim.results.filter(({ signingDomain }) => textOf(signingDomain) !== null);
    const signatures = signed.slice(0, MAX_SIGNATURES).map(
      (one): EventDkimSignature => ({
        result: one.status.result,
        domain: textOf(one.signingDomain),
        selector: textOf(one.selector),
        aligned: one.status.aligned !== undefined && one.status.aligned !== false,
      }),
    );
    const seal = arc ? arc.signature : false;
    const best = signatures.find(({ result }) => result === 'pass') ?? signatures[0];
    return {
      spf: { result: resultOf(spf), domain: textOf(spf === false ? null : spf.domain) },
      dkim: { result: best?.result ?? 'none', signatures },
      dmarc: {
        result: resultOf(dmarc),
        domain: textOf(dmarc ? dmarc.domain : null),
        policy: textOf(dmarc ? dmarc.policy : null),
      },
      arc: { result: resultOf(arc), domain: textOf(seal ? seal.signingDomain : null) },
    };
  } catch {
    return NOT_KNOWN;
  }
}

export function dnsFault(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function resultOf(verdict: { status?: { result: string } } | false | null | undefined): string {
  return (verdict ? verdict.status?.result : undefined) ?? 'none';
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 255) : null;
}
