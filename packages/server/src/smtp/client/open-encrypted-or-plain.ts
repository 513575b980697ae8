import { openSession, type SessionTarget, type SmtpSession, StageFailure } from './open-session.ts';

/**
 * Opportunistic TLS (RFC 7435) protects where it can: a server whose handshake fails is asked again
 * in plain text, on a fresh connection. Never with a password to give away.
 */
export async function openEncryptedOrPlain(
  target: SessionTarget,
): Promise<SmtpSession | StageFailure> {
  const opened = await openSession(target).catch(stageFailure);
  const { tls, login } = target.policy;
  const handshakeFailed = opened instanceof StageFailure && opened.errorCode === 'tls_error';
  if (!handshakeFailed || tls !== 'opportunistic' || login !== undefined) return opened;
  target.transcript.note('Once more, in plain text');
  return openSession({ ...target, policy: { ...target.policy, tls: 'off' } }).catch(stageFailure);
}

function stageFailure(error: unknown): StageFailure {
  if (error instanceof StageFailure) return error;
  throw error;
}
