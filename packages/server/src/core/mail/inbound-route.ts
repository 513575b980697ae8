import { toAsciiDomain } from './mail-domain.ts';

/** What becomes of mail that a route matches. */
export const INBOUND_ACTIONS = ['receive', 'refuse'] as const;
export type InboundAction = (typeof INBOUND_ACTIONS)[number];

/** Routes of a lower number are asked first. */
export const USUAL_PRIORITY = 100;
export const MAX_PRIORITY = 1_000;

/** Stars in one pattern; more say nothing that these do not. */
const MAX_STARS = 3;
/** RFC 5321 4.5.3.1.1 */
const MAX_LOCAL_CHARS = 64;
/** RFC 5322 atext and dots, and the star. A quoted local part cannot be written in a pattern. */
const LOCAL = /^[\p{L}\p{N}!#$%&'*+\-/=?^_`{|}~.]+$/u;
const DOMAIN = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** A pattern of addresses in the form in which it is kept. */
export interface InboundPattern {
  /** In lower case, its domain in ASCII: `support+*@in.example.com`, `*@*.example.com`. */
  text: string;
  /** Behind the `@`, without the `*.` in front: what has to be proven. */
  domain: string;
}

/** Throws an Error whose message says what is wrong with a pattern. */
export function parseInboundPattern(given: string): InboundPattern {
  const text = given.trim();
  const at = text.lastIndexOf('@');
  if (at < 1) throw new Error('write it as an address, such as support@in.example.com');
  const local = text.slice(0, at).toLowerCase();
  const host = text.slice(at + 1);
  const below = host.startsWith('*.');
  const domain = `${below ? '*.' : ''}${toAsciiDomain(below ? host.slice(2) : host)}`;
  if (!LOCAL.test(local) || local.length > MAX_LOCAL_CHARS) {
    throw new Error(`"${local}" is no local part of an address; "*" stands for any text`);
  }
  if (local.split('*').length - 1 > MAX_STARS) throw new Error(`it has more than ${MAX_STARS} "*"`);
  if (domain.length > 253 || !DOMAIN.test(domain)) {
    throw new Error(`"${host}" is no domain; "*." in front of one stands for all names below it`);
  }
  return { text: `${local}@${domain}`, domain: below ? domain.slice(2) : domain };
}

/** An address in the form in which patterns are compared with it. */
export function toInboundAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, at).toLowerCase()}@${toAsciiDomain(address.slice(at + 1))}`;
}

/** Pure. `address` as `toInboundAddress` gives it. `*.example.com` is every name below, not itself. */
export function matchesPattern(pattern: string, address: string): boolean {
  const [at, addressAt] = [pattern.lastIndexOf('@'), address.lastIndexOf('@')];
  const domain = pattern.slice(at + 1);
  const host = address.slice(addressAt + 1);
  const fits = domain.startsWith('*.') ? host.endsWith(domain.slice(1)) : host === domain;
  return fits && matchesStars(pattern.slice(0, at), address.slice(0, addressAt));
}

/** The pieces between stars one after the other: linear in the text, whatever the pattern. */
function matchesStars(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, from);
    if (found === -1) return false;
    from = found + piece.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}

/** What is compared to say which of several routes is asked first. */
export interface RankedRoute {
  id: string;
  pattern: string;
  priority: number;
}

/** Lower priority first, then the narrower pattern, then the older route. */
export function compareRoutes(a: RankedRoute, b: RankedRoute): number {
  return (
    a.priority - b.priority ||
    Number(a.pattern.includes('@*.')) - Number(b.pattern.includes('@*.')) ||
    starsOf(a.pattern) - starsOf(b.pattern) ||
    b.pattern.length - a.pattern.length ||
    (a.id < b.id ? -1 : 1)
  );
}

function starsOf(pattern: string): number {
  return pattern.slice(0, pattern.lastIndexOf('@')).split('*').length - 1;
}

/** `orders` of `support+orders@example.com` (RFC 5233 calls it the detail); null without one. */
export function plusTagOf(address: string): string | null {
  const local = address.slice(0, Math.max(0, address.lastIndexOf('@')));
  const plus = local.indexOf('+');
  return plus === -1 || plus === local.length - 1 ? null : local.slice(plus + 1);
}
