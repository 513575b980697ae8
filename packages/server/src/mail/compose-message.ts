import MailComposer from 'nodemailer/lib/mail-composer/index.js';
import { PosthornError } from '../lib/errors.ts';
import type { Mailbox, MessageInput } from './message-input.ts';

/** Builds the bytes of a message: RFC 5322 and MIME, CRLF line ends, no Bcc. */
export async function composeMessage(
  input: MessageInput,
  options: { smtpId: string; nowMs: number },
): Promise<Buffer> {
  const composer = new MailComposer({
    from: toAddress(input.from),
    to: input.to.map(toAddress),
    cc: input.cc.map(toAddress),
    replyTo: input.replyTo.map(toAddress),
    subject: input.subject,
    ...(input.text === null ? {} : { text: withLineFeeds(input.text) }),
    ...(input.html === null ? {} : { html: withLineFeeds(input.html) }),
    headers: input.headers.map(({ name, value }) => ({ key: name, value })),
    attachments: input.attachments.map((attachment) => ({
      filename: attachment.filename,
      content: attachment.content,
      ...(attachment.contentType === null ? {} : { contentType: attachment.contentType }),
      ...(attachment.contentId === null ? {} : { cid: attachment.contentId }),
    })),
    messageId: options.smtpId,
    date: new Date(options.nowMs),
    // A message is made of what the request holds, never of files or URLs that it names.
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'windows',
  });
  try {
    return await composer.compile().build();
  } catch (cause) {
    throw new PosthornError(
      'invalid_field',
      'The message cannot be put together from these fields.',
      {
        cause,
      },
    );
  }
}

/** nodemailer lets a lone CR stand, which RFC 5322 2.3 forbids and servers refuse. */
function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

function toAddress({ email, name }: Mailbox): { address: string; name: string } {
  return { address: email, name: name ?? '' };
}
