const URL = /\b(?:https?|ftp):\/*[^\s<>"')]{1,500}|\bwww\.[^\s<>"')]{1,300}/gi;
const ADDRESS = /<?[^\s<>"(),;:@]{1,128}@[^\s<>"(),;:@]{1,255}>?/g;

/**
 * The words of a reply that say something of the cause. Addresses and URLs are made of words too
 * (`no-such-user@`, `/policy/spam`), and these belong to somebody else: an address becomes `@`, a
 * URL nothing. A dot inside of a word becomes `·`, so that a dot ends a sentence. Accents on Latin
 * letters go, because half of the servers leave them out.
 */
export function readableWords(text: string): string {
  const named = text.replace(URL, ' ');
  return (named.includes('@') ? named.replace(ADDRESS, '@') : named)
    .normalize('NFD')
    .replace(/([a-z])[\u0300-\u036f]{1,4}/gi, '$1')
    .normalize('NFC')
    .replace(/\.(?=[^\s.])/g, '·')
    .replace(/\s{1,1000}/g, ' ')
    .trim();
}
