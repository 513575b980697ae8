import type { CanonicalEvent } from '@posthorn/sdk';

/** The tag of mails that Posthorn itself writes to people: who tells of mail does not tell of these. */
export const NOTICE_TAG = 'posthorn-notice';

/** Whether an event is about such a mail, or says of one that is that it could not be delivered. */
export function isAboutNotice({ data }: Pick<CanonicalEvent, 'data'>): boolean {
  return data.tags?.includes(NOTICE_TAG) === true;
}
