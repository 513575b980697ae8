import { text } from './fields.ts';

/** A message's addresses: `Name <user@example.com>` and lists of them, as headers write them. */

const MAX_ADDRESS_CHARS = 320;

/** The address alone, its domain lower-cased; the part before the @ belongs to the receiving side. */
export function addressOf(value: unknown): string | null {
  const written = text(value)?.slice(0, 4_000);
  if (written === undefined) return null;
  const inBrackets = /<([^<>]*)>[^<>]*$/.exec(written)?.[1];
  const bare = (inBrackets ?? written).trim().replace(/^mailto:/i, '');
  // Line breaks and other control characters would break out of what the address is put into.
  const line = bare.split(/[\r\n]/, 1)[0] ?? '';
  const clean = line.replace(/[\u0000-\u001f\u007f]/g, '').slice(0, MAX_ADDRESS_CHARS);
  if (clean === '') return null;
  const at = clean.lastIndexOf('@');
  return at === -1 ? clean : clean.slice(0, at) + clean.slice(at).toLowerCase();
}

/** The addresses of a header such as `To`, in which a comma may also stand inside of quotes. */
export function addressesOf(value: unknown): string[] {
  const written = text(value)?.slice(0, 8_000) ?? '';
  const parts = written.match(/(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,;"<]|["<])+/g) ?? [];
  return parts.flatMap((part) => {
    const address = addressOf(part);
    return address?.includes('@') ? [address] : [];
  });
}

/** A Message-ID with its angle brackets. */
export function messageIdOf(value: unknown): string | null {
  const written = text(value);
  if (written === null) return null;
  return written.startsWith('<') ? written : `<${written}>`;
}
