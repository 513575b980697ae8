import PostalMime, { type Email } from 'postal-mime';

/** What a person sees of a message, out of its bytes. */
export interface MessageContent {
  headers: { name: string; value: string }[];
  text: string | null;
  html: string | null;
  attachments: {
    filename: string | null;
    contentType: string;
    sizeBytes: number;
    /** Without angle brackets; the HTML shows it as `cid:...`. */
    contentId: string | null;
  }[];
  /** It is so large that only its beginning was read: attachments may be missing. */
  isTruncated: boolean;
}

/** Parsing takes the main thread some 10 ms a megabyte; text and HTML stand before the attachments. */
const MAX_READ_BYTES = 5_000_000;

/** Never throws: of what is no message at all there is nothing to see. */
export async function readContent(raw: Uint8Array): Promise<MessageContent> {
  const email = await parse(raw);
  return {
    headers: (email?.headers ?? []).map(({ key, value }) => ({ name: key, value })),
    text: email?.text ?? null,
    html: email?.html ?? null,
    attachments: (email?.attachments ?? []).map((one) => ({
      filename: one.filename,
      contentType: one.mimeType,
      sizeBytes: bytesOf(one.content).length,
      contentId: one.contentId?.replace(/^<|>$/g, '') ?? null,
    })),
    isTruncated: raw.length > MAX_READ_BYTES,
  };
}

/** Its HTML with its own images in it, so that nothing has to be loaded; null where it has none. */
export async function readWholeHtml(raw: Uint8Array): Promise<string | null> {
  const email = await parse(raw);
  return email === null ? null : wholeHtmlOf(email);
}

/** As `readWholeHtml`, of a message that was parsed. */
export function wholeHtmlOf(email: Pick<Email, 'html' | 'attachments'>): string | null {
  if (email.html === undefined) return null;
  let { html } = email;
  for (const { contentId, mimeType, content } of email.attachments) {
    if (contentId === undefined || !/^image\/[\w.+-]+$/.test(mimeType)) continue;
    const data = `data:${mimeType};base64,${bytesOf(content).toString('base64')}`;
    html = html.replaceAll(`cid:${contentId.replace(/^<|>$/g, '')}`, () => data);
  }
  return html;
}

async function parse(raw: Uint8Array): Promise<Email | null> {
  try {
    return await PostalMime.parse(raw.subarray(0, MAX_READ_BYTES));
  } catch {
    return null;
  }
}

function bytesOf(content: Email['attachments'][number]['content']): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(new Uint8Array(content));
}
