import type { Metrics } from '../http/metrics.ts';
import type { MessageAcceptor } from '../mail/accept-message.ts';

/** Counts each message by the door that it came in by. */
export function countAccepted(
  inner: MessageAcceptor,
  metrics: Pick<Metrics, 'messageAccepted'>,
): MessageAcceptor {
  return {
    async acceptInput(...args) {
      const accepted = await inner.acceptInput(...args);
      metrics.messageAccepted('http');
      return accepted;
    },
    async acceptInputs(...args) {
      const accepted = await inner.acceptInputs(...args);
      for (const _ of accepted) metrics.messageAccepted('http');
      return accepted;
    },
    async acceptRaw(...args) {
      const accepted = await inner.acceptRaw(...args);
      metrics.messageAccepted(args[1].acceptedBy ?? 'smtp');
      return accepted;
    },
  };
}
