import { type ApiRelay, endpointOf, secretOf, textOf, verdictOfStatus } from './api-relay.ts';
import { takeApart } from './take-apart.ts';

/** What is about the message or its recipient, of Postmark's codes; the others are about the account. */
const REFUSED: ReadonlySet<unknown> = new Set([300, 406, 411]);

/**
 * Postmark: `postmark://:<server token>@api.postmarkapp.com`, and `?stream=` for a message stream. It takes no finished
 * message, so it is put together anew there, one for each recipient.
 */
export const postmarkRelay: ApiRelay = {
  scheme: 'postmark',
  maxRecipients: 1,
  open(url) {
    const token = secretOf(url, 'the server token');
    const stream = url.searchParams.get('stream');
    const base = endpointOf(url, `https://${url.host}`);
    return async (mail) => {
      const { from, replyTo, subject, text, html, headers, attachments } = await takeApart(mail);
      const name = from.name.replace(/["\\]/g, '\\$&');
      const body = JSON.stringify({
        From: name === '' ? from.email : `"${name}" <${from.email}>`,
        To: mail.recipients.join(','),
        Subject: subject,
        ...(text === null && html !== null ? {} : { TextBody: text || ' ' }),
        ...(html === null ? {} : { HtmlBody: html }),
        ...(replyTo === null ? {} : { ReplyTo: replyTo }),
        ...(stream === null ? {} : { MessageStream: stream }),
        Headers: headers.map((one) => ({ Name: one.name, Value: one.value })),
        Attachments: attachments.map((one) => ({
          Name: one.name,
          Content: one.base64,
          ContentType: one.type,
          ...(one.contentId === null ? {} : { ContentID: `cid:${one.contentId}` }),
        })),
      });
      return {
        url: `${base}/email`,
        headers: {
          'x-postmark-server-token': token,
          'content-type': 'application/json',
          accept: 'application/json',
        },
        body,
      };
    };
  },
  read({ status, json }) {
    if (status === 200 && json?.['ErrorCode'] === 0) {
      return { outcome: 'delivered', providerId: textOf(json['MessageID']) };
    }
    if (status !== 422) return verdictOfStatus(status === 200 ? 500 : status);
    return REFUSED.has(json?.['ErrorCode'])
      ? { outcome: 'refused', errorCode: 'api_rejected' }
      : { outcome: 'deferred', errorCode: 'api_failed' };
  },
  explain: (json) => textOf(json['Message']),
};
