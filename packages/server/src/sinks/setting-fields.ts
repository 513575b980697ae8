import { z } from 'zod';

/** Fields that several kinds of sinks have. */

export const urlField = z
  .string()
  .max(2_048)
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'Write a whole URL that begins with https:// or http://.',
  )
  .refine(
    (text) =>
      !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''),
    'A URL is shown to people: give user and password as a header instead.',
  );

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** What the client writes itself. */
const OWN_HEADERS = ['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade'];

export const headersField = z
  .record(
    z
      .string()
      .regex(HEADER_NAME, 'This is no name of a header.')
      .refine((name) => !OWN_HEADERS.includes(name.toLowerCase()), 'Posthorn sets this header.'),
    z.string().regex(/^[\t\x20-\x7e\x80-\xff]{0,4096}$/, 'This is no value of a header.'),
  )
  .default({});

export const hostField = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,253}$|^\[?[0-9A-Fa-f:.]{2,45}\]?$/, 'Write a host name or an address.')
  .describe('Its name or address, without a port.');

export const portField = z.int().min(1).max(65_535);

export const tlsField = z
  .boolean()
  .default(false)
  .describe('TLS, with a certificate for this host.');

export const caField = z
  .string()
  .max(100_000)
  .regex(/-----BEGIN CERTIFICATE-----/, 'Write certificates in PEM.')
  .optional()
  .describe('With TLS: certificates (PEM) to trust instead of the public authorities.');

export const usernameField = z.string().min(1).max(200).optional();

export const passwordField = z
  .string()
  .max(1_000)
  .optional()
  .describe('Kept sealed and never shown.');

/** What stands in such a text where the type of the event shall be: `email.bounced`. */
const TYPE_PLACE = '{type}';

export function fillType(text: string, type: string): string {
  return text.replaceAll(TYPE_PLACE, type);
}
