const ASCII = /^[\u0000-\u007f]*$/;

/** A text as people search it: without regard to case, accents and the width of letters. */
export function foldText(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
