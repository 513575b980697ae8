import { createSmtpListener, type SmtpListener } from './smtp-listener.ts';
import type { SubmissionOptions } from './submission.ts';
import { createSubmissionHandlers } from './submission-handlers.ts';

/** The longest AUTH line (RFC 4954 section 4). */
const MAX_LINE_BYTES = 12_288;
/** Clients log in at once; those that keep a connection for later do so with a login. */
const LOGIN_MS = 120_000;

/**
 * A submission server (RFC 6409): authentication is required, each message goes to `accept` as one
 * buffer. Bytes with a bare CR or LF are refused (550 5.6.11): smtp-server ends DATA on CRLF.CRLF alone,
 * but passes bare ones through.
 */
export function createSubmissionServer(options: SubmissionOptions): SmtpListener {
  const needsTls = options.requireTls === true || options.implicitTls === true;
  if (needsTls && !options.tls) throw new TypeError('TLS needs a key and a cert');
  return createSmtpListener(
    { ...options, maxLineBytes: MAX_LINE_BYTES, strangerMs: options.loginMs ?? LOGIN_MS },
    {
      library: {
        authMethods: ['PLAIN', 'LOGIN'],
        allowInsecureAuth: options.requireTls !== true,
        secure: options.implicitTls === true,
      },
      handlers: (state) => createSubmissionHandlers(options, state),
    },
  );
}
