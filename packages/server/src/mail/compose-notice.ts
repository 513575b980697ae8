import { NOTICE_TAG } from '../core/mail/notice-tag.ts';
import type { MessageInput } from './message-input.ts';

/** A mail of Posthorn's own to a person who is to act: plain text, and no auto-reply is wanted. */
export function composeNotice(notice: {
  from: string;
  to: string;
  subject: string;
  text: string;
}): MessageInput {
  return {
    keyMode: 'live',
    from: { email: notice.from, name: 'Posthorn' },
    to: [{ email: notice.to, name: null }],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: notice.subject,
    text: notice.text,
    html: null,
    // RFC 3834 5: made by a machine.
    headers: [{ name: 'Auto-Submitted', value: 'auto-generated' }],
    attachments: [],
    stream: 'transactional',
    unsubscribe: null,
    tags: [NOTICE_TAG],
    metadata: {},
    isNotice: true,
  };
}
