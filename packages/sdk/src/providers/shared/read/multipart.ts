import type { FormBody } from './request-body.ts';

/** multipart/form-data (RFC 7578), as SendGrid, Mailgun and Mandrill send inbound mail. */

export interface FilePart {
  name: string;
  filename: string;
  content_type: string | null;
  size: number;
  content_b64: string;
}

const MAX_PARTS = 1_000;
const MAX_HEADER_BYTES = 16_384;

const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

/** Total: what is no part is left out. Parts with a file name are files, the others are fields. */
export function parseMultipart(body: Uint8Array, contentType: string): FormBody {
  const match = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) return { fields: {}, files: [] };
  const fields: [string, string][] = [];
  const files: FilePart[] = [];
  for (const part of splitParts(Buffer.from(body), boundary)) {
    const headerEnd = part.indexOf(BLANK_LINE);
    if (headerEnd === -1 || headerEnd > MAX_HEADER_BYTES) continue;
    const headers = part
      .subarray(0, headerEnd)
      .toString('utf8')
      .replace(/\r\n[ \t]+/g, ' ');
    const content = part.subarray(headerEnd + BLANK_LINE.length);
    const disposition = headerLine(headers, 'content-disposition') ?? '';
    const name = parameter(disposition, 'name');
    if (name === null) continue;
    const filename = parameter(disposition, 'filename');
    const type = headerLine(headers, 'content-type');
    if (filename === null) fields.push([name, decodeText(content, type)]);
    else files.push(toFile(name, filename, type, content));
  }
  return { fields: Object.fromEntries(fields.reverse()), files };
}

function splitParts(body: Buffer, boundary: string): Buffer[] {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: Buffer[] = [];
  let start = body.indexOf(delimiter);
  while (start !== -1 && parts.length < MAX_PARTS) {
    const from = start + delimiter.length;
    if (body.subarray(from, from + 2).toString('latin1') === '--') break;
    const end = body.indexOf(delimiter, from);
    const contentStart = body.indexOf(CRLF, from) + CRLF.length;
    if (contentStart < CRLF.length) break;
    const contentEnd = end === -1 ? body.length : end - CRLF.length;
    if (contentEnd > contentStart) parts.push(body.subarray(contentStart, contentEnd));
    start = end;
  }
  return parts;
}

function headerLine(headers: string, name: string): string | null {
  const line = headers.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name}:`));
  return line === undefined ? null : line.slice(name.length + 1).trim();
}

function parameter(disposition: string, name: string): string | null {
  const match = new RegExp(`[;\\s]${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]*))`, 'i').exec(
    disposition,
  );
  return match?.[1]?.replace(/\\(.)/g, '$1') ?? match?.[2] ?? null;
}

function decodeText(content: Buffer, type: string | null): string {
  const charset = /charset="?([\w-]{1,40})/i.exec(type ?? '')?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(content);
  } catch {
    return content.toString('utf8');
  }
}

function toFile(name: string, filename: string, type: string | null, content: Buffer): FilePart {
  const content_b64 = content.toString('base64');
  return { name, filename, content_type: type, size: content.length, content_b64 };
}
