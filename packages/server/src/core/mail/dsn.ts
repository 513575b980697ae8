/** What a notification can be about (RFC 3461 4.1). */
export const DSN_OCCASIONS = ['success', 'failure', 'delay'] as const;
export type DsnOccasion = (typeof DSN_OCCASIONS)[number];

/** The notifications that the sender of a message asked for when he handed it over. */
export interface DsnRequest {
  /** How much of the message a failure gives back. */
  ret: 'full' | 'hdrs' | null;
  /** His own name for this sending, decoded. */
  envid: string | null;
  /** Those for whom he said something. */
  recipients: DsnRecipient[];
}

export interface DsnRecipient {
  /** As in the envelope. */
  recipient: string;
  /** None of them: never. Null: he did not say, and gets events only. */
  notify: DsnOccasion[] | null;
  /** Whom it was first meant for, as `rfc822;user@example.com`, decoded. */
  orcpt: string | null;
}

export function wantsDsn(
  request: DsnRequest | null,
  recipient: string,
  occasion: DsnOccasion,
): boolean {
  const found = request?.recipients.find((one) => one.recipient === recipient);
  return found?.notify?.includes(occasion) === true;
}
