/** The tag of mails that Posthorn itself writes to people: who tells of mail does not tell of these. */
export const NOTICE_TAG = 'posthorn-notice';
