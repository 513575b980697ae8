import { createLoginGuard } from '../http/access/login-guard.ts';
import { createSubmissionLogin } from '../http/access/submission-login.ts';
import type { Metrics } from '../http/metrics.ts';
import type { MessageAcceptor } from '../mail/accept-message.ts';
import type { SmtpListener } from '../smtp/smtp-listener.ts';
import { createSubmissionServer } from '../smtp/submission-server.ts';
import type { Access } from './build-access.ts';
import type { Basics } from './open-basics.ts';

const MAX_RECIPIENTS = 1_000;
const MAX_CONNECTIONS = 1_000;
const MAX_CONNECTIONS_PER_ADDRESS = 100;
/** RFC 5321 4.5.3.2.7 */
const IDLE_MS = 300_000;

/** The door for mail by SMTP. */
export function buildSubmission(
  { config, keys, gate, clock, log }: Basics,
  ties: { acceptor: MessageAcceptor; metrics: Pick<Metrics, 'smtpLogin'> } & Pick<
    Access,
    'authenticator'
  >,
): SmtpListener {
  const { acceptor, authenticator, metrics } = ties;
  const guard = createLoginGuard({ clock, log, onOutcome: metrics.smtpLogin });
  return createSubmissionServer({
    hostname: config.hostname,
    ...(keys.submissionTls === null ? {} : { tls: keys.submissionTls }),
    requireTls: config.smtpRequireTls,
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
  });
}
