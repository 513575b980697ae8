import type { AttachmentInput } from './message-input.ts';

/** `<img src="data:image/png;base64,...">`: what stands before the URL, its type, its bytes. */
const DATA_IMAGE =
  /(<img\b[^<>]{0,1024}?\ssrc\s{0,9}=\s{0,9}["'])data:(image\/[a-z0-9.+-]{1,40});base64,([a-z0-9+/=\s]+)(?=["'])/gi;

/**
 * Pictures that stand in the HTML itself become attachments that it names: most mail programs show no
 * `data:` URLs. `idOf` makes a content id from a number.
 */
export function attachInlineImages(
  html: string,
  idOf: (number: number) => string,
): { html: string; attachments: AttachmentInput[] } {
  const attachments: AttachmentInput[] = [];
  if (!html.includes('data:image/')) return { html, attachments };
  const replaced = html.replace(DATA_IMAGE, (_, before: string, type: string, data: string) => {
    const number = attachments.length + 1;
    const contentId = idOf(number);
    const kind = type.slice('image/'.length).replace(/\W.*/, '').toLowerCase();
    attachments.push({
      filename: `image-${number}.${kind === 'jpeg' ? 'jpg' : kind}`,
      content: Buffer.from(data, 'base64'),
      contentType: type.toLowerCase(),
      contentId,
    });
    return `${before}cid:${contentId}`;
  });
  return { html: replaced, attachments };
}
