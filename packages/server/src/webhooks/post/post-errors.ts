// A table file: what can become of a post. docs/webhooks.md is checked against it.

/**
 * A fault of the endpoint's uses up an attempt. One of ours (this machine, its name server, the
 * proxy) does not: an endpoint must not lose events to what it cannot mend.
 */
export type Fault = 'endpoint' | 'ours';

export type PostErrorCode =
  | 'dns_not_found'
  | 'dns_error'
  | 'address_not_allowed'
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_closed'
  | 'host_unreachable'
  | 'local_error'
  | 'proxy_error'
  | 'tls_error'
  | 'certificate_expired'
  | 'certificate_untrusted'
  | 'hostname_mismatch'
  | 'client_certificate_refused'
  | 'timeout'
  | 'redirect'
  | 'gone'
  | 'http_status'
  | 'invalid_response'
  | 'handshake_refused'
  | 'not_in_dialect'
  | 'transformation_failed'
  | 'transformation_limit'
  | 'transformed_to_nothing'
  | 'aborted';

export const POST_ERRORS: Readonly<Record<PostErrorCode, { fault: Fault; detail: string }>> = {
  dns_not_found: { fault: 'endpoint', detail: 'The name of the URL does not exist.' },
  dns_error: { fault: 'ours', detail: 'The name server that Posthorn asks gave no answer.' },
  address_not_allowed: {
    fault: 'endpoint',
    detail: 'The name leads to an address that Posthorn must not dial.',
  },
  connection_refused: { fault: 'endpoint', detail: 'Nothing listens on that port.' },
  connection_reset: { fault: 'endpoint', detail: 'The connection was broken off.' },
  connection_closed: {
    fault: 'endpoint',
    detail: 'The connection was closed before the answer was complete.',
  },
  host_unreachable: { fault: 'endpoint', detail: 'There is no route to the address.' },
  local_error: {
    fault: 'ours',
    detail:
      'The machine of Posthorn could not open a connection: no network, or out of files, ports or memory.',
  },
  proxy_error: { fault: 'ours', detail: 'The outbound proxy did not do its part.' },
  tls_error: { fault: 'endpoint', detail: 'The TLS handshake failed.' },
  certificate_expired: {
    fault: 'endpoint',
    detail: 'The certificate of the endpoint is past its end, or not valid yet.',
  },
  certificate_untrusted: {
    fault: 'endpoint',
    detail: 'No trusted authority vouches for the certificate of the endpoint.',
  },
  hostname_mismatch: {
    fault: 'endpoint',
    detail: 'The certificate of the endpoint is for another name.',
  },
  client_certificate_refused: {
    fault: 'endpoint',
    detail: 'The endpoint wants a client certificate, or another one than it was shown.',
  },
  timeout: { fault: 'endpoint', detail: 'No complete answer came within the deadline.' },
  redirect: { fault: 'endpoint', detail: 'The endpoint answered 3xx, which is never followed.' },
  gone: { fault: 'endpoint', detail: 'The endpoint answered 410: nobody listens there any more.' },
  http_status: { fault: 'endpoint', detail: 'The endpoint answered another status than 2xx.' },
  invalid_response: { fault: 'endpoint', detail: 'What came back is not HTTP.' },
  handshake_refused: {
    fault: 'endpoint',
    detail: 'The endpoint was asked with OPTIONS whether events may come, and did not say yes.',
  },
  not_in_dialect: {
    fault: 'ours',
    detail: 'The dialect of the endpoint has no word for the event.',
  },
  transformation_failed: {
    fault: 'ours',
    detail: 'The transformation of the endpoint fails on the event.',
  },
  transformation_limit: {
    fault: 'endpoint',
    detail: 'The transformation of the endpoint wants more time or memory than it may have.',
  },
  transformed_to_nothing: {
    fault: 'ours',
    detail: 'The transformation of the endpoint makes nothing of the event.',
  },
  aborted: { fault: 'ours', detail: 'Posthorn was stopping.' },
};

/** What an attempt with this recorded code is called; null is that of a success. */
export function outcomeOf(code: string | null): 'succeeded' | 'skipped' | 'failed' {
  if (code === null) return 'succeeded';
  return code === 'transformed_to_nothing' ? 'skipped' : 'failed';
}

/** Whose fault a recorded code is; null for one that this version does not know. */
export function faultOf(code: string): Fault | null {
  return Object.hasOwn(POST_ERRORS, code) ? POST_ERRORS[code as PostErrorCode].fault : null;
}
