import { type ApiRelay, endpointOf, secretOf, textOf, verdictOfStatus } from './api-relay.ts';

/**
 * Mailgun: messages.mime takes the message as it is,
 * `mailgun://:<key>@api.mailgun.net/<domain>` (api.eu.mailgun.net for the EU).
 */
export const mailgunRelay: ApiRelay = {
  scheme: 'mailgun',
  maxRecipients: 1_000,
  open(url) {
    const domain = url.pathname.replace(/^\/+|\/+$/g, '');
    if (domain === '') {
      throw new Error('mailgun:// needs the domain: mailgun://:KEY@api.mailgun.net/mg.example.com');
    }
    const login = Buffer.from(`api:${secretOf(url, 'the API key')}`).toString('base64');
    const base = endpointOf(url, `https://${url.host}`);
    return ({ recipients, raw }) => {
      const body = new FormData();
      for (const recipient of recipients) body.append('to', recipient);
      const type = 'message/rfc822';
      body.append('message', new Blob([Uint8Array.from(raw)], { type }), 'message.eml');
      const to = `${base}/v3/${encodeURIComponent(domain)}/messages.mime`;
      return { url: to, headers: { authorization: `Basic ${login}` }, body };
    };
  },
  read({ status, json }) {
    if (status !== 200) return verdictOfStatus(status);
    // Its webhooks have the id without the angle brackets.
    const id = textOf(json?.['id']);
    return { outcome: 'delivered', providerId: id?.replace(/^<|>$/g, '') ?? null };
  },
  explain: (json) => textOf(json['message']),
};
