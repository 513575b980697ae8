import type { Ids } from '../../core/ids.ts';
import type { RecipientResult, Transmission } from '../../smtp/transmission.ts';
import type { Statement } from '../../store/engine.ts';
import type { MessageRecord } from '../../store/mail/messages.ts';
import type { Transcripts } from '../../store/mail/transcripts.ts';
import type { TransmissionDecision } from '../decide-transmission.ts';

export const TRANSCRIPT_CHOICES = ['all', 'failures', 'none'] as const;
export type TranscriptChoice = (typeof TRANSCRIPT_CHOICES)[number];

/** What is kept of the words of an attempt. */
export interface TranscriptKeeper {
  /** None, or one for all recipients of the transaction. */
  insertion(
    message: Pick<MessageRecord, 'projectId' | 'id' | 'retainUntilMs'>,
    transmission: Transmission & { startedAtMs: number },
    decisions: readonly {
      result: RecipientResult;
      step: Pick<TransmissionDecision, 'attempts' | 'state'>;
    }[],
  ): Statement[];
}

/** `failures` keeps those in which a recipient was not delivered to. */
export function createTranscriptKeeper(options: {
  transcripts: Pick<Transcripts, 'insertion'>;
  ids: Ids;
  now: () => number;
  choice: TranscriptChoice;
  retentionMs: number;
}): TranscriptKeeper {
  const { choice, ids, now } = options;
  return {
    insertion(message, { startedAtMs, transcript }, decisions) {
      const hasFailed = decisions.some(({ result }) => result.outcome !== 'delivered');
      if (choice === 'none' || (choice === 'failures' && !hasFailed)) return [];
      const nowMs = now();
      const record = {
        projectId: message.projectId,
        messageId: message.id,
        id: ids.next('transcript'),
        startedAtMs,
        latencyMs: Math.max(0, nowMs - startedAtMs),
        // As the events tell it: a refusal that is asked again is put off, and not the end of it.
        recipients: decisions.map(({ result: { recipient }, step: { attempts, state } }) => {
          const outcome = state === 'queued' ? 'deferred' : state;
          return { recipient, attempt: attempts, outcome };
        }),
        lines: transcript,
      };
      const retainUntilMs = Math.min(message.retainUntilMs, nowMs + options.retentionMs);
      return [options.transcripts.insertion(record, retainUntilMs)];
    },
  };
}
