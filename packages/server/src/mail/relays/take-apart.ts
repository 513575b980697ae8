import type { ApiMail } from './api-relay.ts';

/** A message for providers that put it together themselves. */
export interface MailParts {
  from: { email: string; name: string };
  replyTo: string | null;
  subject: string;
  text: string | null;
  html: string | null;
  headers: { name: string; value: string }[];
  attachments: { name: string; type: string; base64: string; contentId: string | null }[];
}

/** What a provider writes itself, or would not take. */
const NOT_TAKEN_ALONG =
  /^(from|to|cc|bcc|reply-to|subject|date|message-id|sender|received|return-path|mime-version|content-.*|dkim-signature|x-sg-.*)$/i;

/** The parser is loaded when the first message comes. */
export async function takeApart({ raw, envelopeFrom }: ApiMail): Promise<MailParts> {
  const { default: PostalMime } = await import('postal-mime');
  const mail = await PostalMime.parse(raw, { forceRfc822Attachments: true });
  const [replyTo] = mail.replyTo ?? [];
  return {
    from: { email: mail.from?.address ?? envelopeFrom, name: mail.from?.name ?? '' },
    replyTo: replyTo?.address ?? null,
    subject: mail.subject ?? '',
    text: mail.text ?? null,
    html: mail.html ?? null,
    headers: mail.headers
      .filter(({ key }) => !NOT_TAKEN_ALONG.test(key))
      .map(({ key, value }) => ({ name: key, value })),
    attachments: mail.attachments.map((one) => ({
      name: one.filename ?? 'attachment',
      type: one.mimeType,
      base64: Buffer.from(one.content as ArrayBuffer).toString('base64'),
      contentId: one.contentId?.replace(/^<|>$/g, '') ?? null,
    })),
  };
}
