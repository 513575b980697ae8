import type { Stream } from '../../core/mail/streams.ts';
import type { Transmission } from '../../smtp/transmission.ts';
import type { TransmitJob, Transmitter } from '../../smtp/transmit.ts';

/** A message on its way out, with what decides which way that is. */
export interface MailTransmitJob extends TransmitJob {
  stream: Stream;
}

/** Whatever brings mail away: by MX records, through relays, by the API of a provider. */
export interface MailTransmitter {
  /** One result for each recipient. Never rejects for anything that the network does. */
  transmit(job: MailTransmitJob): Promise<Transmission>;
  close(): Promise<void>;
}

/** Each stream its own way; streams may share one. */
export function createStreamTransmitter(ways: Record<Stream, Transmitter>): MailTransmitter {
  return {
    transmit: (job) => ways[job.stream].transmit(job),
    async close() {
      await Promise.all([...new Set(Object.values(ways))].map((way) => way.close()));
    },
  };
}
