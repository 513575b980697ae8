import { domainToASCII } from 'node:url';
import type { Destination, DestinationHost, DestinationResolver } from '../resolve-destination.ts';
import {
  createHostPolicies,
  type HostPolicy,
  type TlsPolicyOptions,
} from '../tls-policy/host-policy.ts';
import type { Verdict } from './run-transaction.ts';

/** A server that takes all our mail, in place of MX records. */
export interface Smarthost {
  host: string;
  port: number;
  /** smtps: TLS from the first byte. */
  secure: boolean;
  user?: string;
  pass?: string;
  /** No mail, and no password, without TLS. */
  requireTls?: boolean;
  /** Whether the certificate must be right. By default where TLS is required or from the start. */
  verify?: boolean;
  /** PEM, instead of the certificates that the runtime trusts. */
  ca?: string;
}

export interface RouteOptions extends TlsPolicyOptions {
  /** One of the two. */
  resolver?: DestinationResolver;
  smarthost?: Smarthost;
  /** Of MX hosts. */
  port?: number;
}

/** Where a message goes, and on what terms. */
export interface Route {
  hosts: readonly DestinationHost[];
  port: number;
  policyFor(host: string): Promise<HostPolicy>;
}

/** Why it goes nowhere, for every recipient. */
export interface NoRoute {
  verdict: Verdict;
  message: string;
}

/** The hosts for mail to `domain`. `null`: the signal was aborted first. */
export async function findRoute(
  domain: string,
  options: RouteOptions,
  signal: AbortSignal,
): Promise<Route | NoRoute | null> {
  if (options.smarthost !== undefined) return smarthostRoute(options.smarthost, options.tlsMode);
  if (options.resolver === undefined) throw new TypeError('give a resolver or a smarthost');
  const policyFor = createHostPolicies(domainToASCII(domain).toLowerCase(), options);
  const found = await unlessAborted(options.resolver.resolve(domain), signal);
  if (found === null) return null;
  if (!found.ok) return { verdict: dnsVerdict(found), message: found.message };
  return { hosts: found.hosts, port: options.port ?? 25, policyFor };
}

export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(null);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function smarthostRoute(smarthost: Smarthost, tlsMode: RouteOptions['tlsMode']): Route {
  const { host, port, secure, user, pass, ca } = smarthost;
  const required = secure || smarthost.requireTls === true || tlsMode === 'require';
  const session = {
    tls: secure ? 'implicit' : required ? 'require' : tlsMode,
    verify: smarthost.verify ?? required,
    ca,
    login: user === undefined ? undefined : { user, pass: pass ?? '' },
  } as const;
  const policy = { session, key: '', note: null, testing: null };
  return { hosts: [{ host, addresses: [host] }], port, policyFor: async () => policy };
}

function dnsVerdict(found: Extract<Destination, { ok: false }>): Verdict {
  const outcome = found.permanent ? 'refused' : 'deferred';
  const { errorCode, enhancedCode } = found;
  return { outcome, stage: 'dns', errorCode, reply: null, enhancedCode };
}
