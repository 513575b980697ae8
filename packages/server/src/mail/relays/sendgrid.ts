import { type ApiRelay, endpointOf, secretOf, textOf, verdictOfStatus } from './api-relay.ts';
import { takeApart } from './take-apart.ts';

/**
 * SendGrid, v3 Mail Send: `sendgrid://:<key>@api.sendgrid.com` (api.eu.sendgrid.com for the EU). It takes no
 * finished message, so it is put together anew there, one for each recipient.
 */
export const sendgridRelay: ApiRelay = {
  scheme: 'sendgrid',
  maxRecipients: 1,
  open(url) {
    const key = secretOf(url, 'the API key');
    const base = endpointOf(url, `https://${url.host}`);
    return async (mail) => {
      const { from, replyTo, subject, text, html, headers, attachments } = await takeApart(mail);
      // Plain text has to come before HTML, and one of them has to be there.
      const content = [
        ...(text === null && html !== null ? [] : [{ type: 'text/plain', value: text || ' ' }]),
        ...(html === null ? [] : [{ type: 'text/html', value: html }]),
      ];
      const body = JSON.stringify({
        personalizations: [{ to: mail.recipients.map((email) => ({ email })) }],
        from: from.name === '' ? { email: from.email } : from,
        ...(replyTo === null ? {} : { reply_to: { email: replyTo } }),
        subject: subject === '' ? '(no subject)' : subject,
        content,
        ...(headers.length === 0
          ? {}
          : { headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])) }),
        ...(attachments.length === 0
          ? {}
          : {
              attachments: attachments.map(({ name, type, base64, contentId }) => ({
                content: base64,
                filename: name,
                type,
                ...(contentId === null ? {} : { content_id: contentId, disposition: 'inline' }),
              })),
            }),
      });
      return {
        url: `${base}/v3/mail/send`,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body,
      };
    };
  },
  read: ({ status, headers }) =>
    status === 202
      ? { outcome: 'delivered', providerId: headers.get('x-message-id') }
      : verdictOfStatus(status),
  explain({ errors }) {
    if (!Array.isArray(errors)) return null;
    return textOf(errors.map((one) => textOf(one?.message) ?? '').join('; '));
  },
};
