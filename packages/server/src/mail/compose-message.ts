import MailComposer from 'nodemailer/lib/mail-composer/index.js';
import { PosthornError } from '../lib/errors.ts';
import { attachInlineImages } from './inline-images.ts';
import type { Mailbox, MessageInput } from './message-input.ts';
import { textFromHtml } from './text-from-html.ts';

/**
 * Builds the bytes of a message: RFC 5322 and MIME, CRLF line ends, no Bcc. HTML alone gets a text beside
 * it, and pictures that stand in the HTML become parts of their own.
 */
export async function composeMessage(
  input: MessageInput,
  options: { smtpId: string; nowMs: number },
): Promise<Buffer> {
  const text = input.text ?? (input.html === null ? null : textFromHtml(input.html));
  const inline = attachInlineImages(
    input.html ?? '',
    (number) => `image${number}.${options.smtpId.slice(1, -1)}`,
  );
  const attachments = [...input.attachments, ...inline.attachments];
  const composer = new MailComposer({
    from: toAddress(input.from),
    to: input.to.map(toAddress),
    cc: input.cc.map(toAddress),
    replyTo: input.replyTo.map(toAddress),
    subject: input.subject,
    ...(text === null ? {} : { text: withLineFeeds(text) }),
    ...(input.html === null ? {} : { html: withLineFeeds(inline.html) }),
    headers: input.headers.map(toHeader),
    attachments: attachments.map((attachment) => ({
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

/**
 * Lines of addresses in angle brackets must not be folded where there is no space: unfolded, the address
 * would have one. Nobody folds a line of less than 998 characters for its length (RFC 5322 2.1.1).
 */
function toHeader({ name, value }: MessageInput['headers'][number]) {
  const isList = /^list-/i.test(name) && /^[\x20-\x7e]*$/.test(value);
  return { key: name, value: isList ? { prepared: true, value } : value };
}

/** nodemailer lets a lone CR stand, which RFC 5322 2.3 forbids and servers refuse. */
function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

function toAddress({ email, name }: Mailbox): { address: string; name: string } {
  return { address: email, name: name ?? '' };
}
