import type { CanonicalEvent } from '@posthorn/sdk';
import { PosthornError } from '../../lib/errors.ts';

/** The tag of mails that Posthorn itself writes to people: who tells of mail does not tell of these. */
export const NOTICE_TAG = 'posthorn-notice';

/** Whether an event is about such a mail, or says of one that is that it could not be delivered. */
export function isAboutNotice({ data }: Pick<CanonicalEvent, 'data'>): boolean {
  return data.tags?.includes(NOTICE_TAG) === true;
}

/** Throws `invalid_field`: mail of others would be left out of analytics and alerts. */
export function refuseNoticeTag(tags: readonly string[]): void {
  if (!tags.includes(NOTICE_TAG)) return;
  const detail = `The tag ${NOTICE_TAG} is for mail that Posthorn itself writes. Choose another one.`;
  throw new PosthornError('invalid_field', detail, { fields: [{ pointer: '/tags', detail }] });
}
