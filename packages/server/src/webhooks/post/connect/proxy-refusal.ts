import type { IncomingHttpHeaders } from 'node:http';
import type { PostErrorCode } from '../post-errors.ts';
import { PostFailure } from '../post-failure.ts';

/** RFC 9209, 2.3: what a proxy says of the endpoint. What it says of itself is its own fault. */
const PROXY_STATUS: Readonly<Record<string, PostErrorCode>> = {
  destination_unavailable: 'host_unreachable',
  destination_ip_unroutable: 'host_unreachable',
  destination_ip_prohibited: 'address_not_allowed',
  connection_refused: 'connection_refused',
  connection_terminated: 'connection_reset',
  connection_timeout: 'timeout',
};

/** Squid's X-Squid-Error: ERR_CONNECT_FAIL and the errno of its machine (Linux, then BSD). */
const SQUID_ERRNO: Readonly<Record<string, PostErrorCode>> = {
  '111': 'connection_refused',
  '61': 'connection_refused',
  '110': 'timeout',
  '60': 'timeout',
  '113': 'host_unreachable',
  '101': 'host_unreachable',
  '65': 'host_unreachable',
};

/** Squid and tinyproxy say 500 where they could not look up or reach the endpoint. */
const BY_STATUS: Readonly<Record<number, PostErrorCode>> = {
  500: 'host_unreachable',
  504: 'timeout',
};

/**
 * A proxy did not open the tunnel. That is ours to mend, unless it says by one of two headers or by
 * its status that the endpoint is at fault.
 */
export function explainRefusal(
  status: number,
  headers: IncomingHttpHeaders,
  authority: string,
): PostFailure {
  const code = faultOfEndpoint(status, headers);
  const answer = `The proxy answered ${status} to CONNECT ${authority}`;
  if (code !== null) return new PostFailure(code, `${answer}: it did not reach the endpoint.`);
  const advice =
    status === 407
      ? 'set the user name and password in webhook_proxy'
      : `let it open tunnels to that port, or add the host to webhook_no_proxy`;
  return new PostFailure('proxy_error', status < 500 ? `${answer}: ${advice}.` : `${answer}.`);
}

function faultOfEndpoint(status: number, headers: IncomingHttpHeaders): PostErrorCode | null {
  const said = textOf(headers['proxy-status']);
  const error = /;\s*error=([a-z_]+)/.exec(said)?.[1];
  if (error === 'dns_error' && /rcode="?NXDOMAIN/i.test(said)) return 'dns_not_found';
  if (error !== undefined) return PROXY_STATUS[error] ?? null;
  const squid = /^ERR_CONNECT_FAIL (\d+)/.exec(textOf(headers['x-squid-error']))?.[1];
  if (squid !== undefined) return SQUID_ERRNO[squid] ?? 'host_unreachable';
  return BY_STATUS[status] ?? null;
}

const textOf = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? value.join(', ') : (value ?? '');
