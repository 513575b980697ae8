import type { Metrics } from '../http/metrics.ts';
import type { MessageAcceptor } from '../mail/accept-message.ts';

/** Counts each message by the door that it came in by; mail of sandbox keys is in no statistics. */
export function countAccepted(
  inner: MessageAcceptor,
  metrics: Pick<Metrics, 'messageAccepted'>,
): MessageAcceptor {
  return {
    async acceptInput(...args) {
      const accepted = await inner.acceptInput(...args);
      if (args[1].keyMode !== 'sandbox') metrics.messageAccepted('http');
      return accepted;
    },
    async acceptInputs(...args) {
      const accepted = await inner.acceptInputs(...args);
      for (const { keyMode } of args[1]) if (keyMode !== 'sandbox') metrics.messageAccepted('http');
      return accepted;
    },
    async acceptRaw(...args) {
      const accepted = await inner.acceptRaw(...args);
      const { acceptedBy = 'smtp', keyMode } = args[1];
      if (keyMode !== 'sandbox') metrics.messageAccepted(acceptedBy);
      return accepted;
    },
  };
}
