import { createLoginGuard } from '../http/access/login-guard.ts';
import { createSubmissionLogin } from '../http/access/submission-login.ts';
import type { Metrics } from '../http/metrics.ts';
import type { MessageAcceptor } from '../mail/accept-message.ts';
import type { SmtpListener } from '../smtp/smtp-listener.ts';
import type { SubmissionOptions } from '../smtp/submission.ts';
import { createSubmissionServer } from '../smtp/submission-server.ts';
import type { Access } from './build-access.ts';
import type { Basics } from './open-basics.ts';

const MAX_RECIPIENTS = 1_000;
const MAX_CONNECTIONS = 1_000;
const MAX_CONNECTIONS_PER_ADDRESS = 100;
/** RFC 5321 4.5.3.2.7 */
const IDLE_MS = 300_000;

/** The doors for mail by SMTP. */
export interface Submission {
  /** Plain at first, with STARTTLS. */
  plain: SmtpListener;
  /** TLS from the first byte; null where no port is set. */
  tls: SmtpListener | null;
}

export function buildSubmission(
  { config, keys, gate, clock, log }: Basics,
  ties: { acceptor: MessageAcceptor; metrics: Pick<Metrics, 'smtpLogin'> } & Pick<
    Access,
    'authenticator'
  >,
): Submission {
  const { acceptor, authenticator, metrics } = ties;
  const guard = createLoginGuard({ clock, log, onOutcome: metrics.smtpLogin });
  const options: SubmissionOptions = {
    hostname: config.hostname,
    ...(keys.submissionTls === null ? {} : { tls: keys.submissionTls }),
    requireTls: config.smtpRequireTls,
    postmaster: config.postmasterAddress,
    maxSizeBytes: config.maxMessageSize,
    maxRecipients: MAX_RECIPIENTS,
    maxConnections: MAX_CONNECTIONS,
    maxConnectionsPerAddress: MAX_CONNECTIONS_PER_ADDRESS,
    idleMs: IDLE_MS,
    authenticate: createSubmissionLogin({ authenticator, guard }),
    accept: async ({ projectId, keyMode, envelopeFrom, recipients, raw, dsn }) =>
      acceptor.acceptRaw(projectId, { keyMode, envelopeFrom, recipients, raw, dsn }),
    canAccept() {
      const refusal = gate.refuseWork();
      return refusal === null ? { ok: true } : { ok: false, reason: refusal.title };
    },
    log,
  };
  const hasTlsPort = config.smtpTlsPort !== null;
  return {
    plain: createSubmissionServer(options),
    tls: hasTlsPort ? createSubmissionServer({ ...options, implicitTls: true }) : null,
  };
}
