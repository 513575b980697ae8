import type { EventAuthentication } from '@posthorn/sdk';

type Headers = readonly { name: string; value: string }[];

/**
 * Pure: whether a mail looks like spam, by what is known of it anyway. Headers of filters on the way are
 * believed when they say that it is spam: who sends spam writes that it is none.
 */
export function hintAtSpam(
  headers: Headers,
  { spf, dkim, dmarc }: EventAuthentication,
): { suspected: boolean; reasons: string[] } {
  const strong = [
    ...(isFlagged(headers) ? ['flagged_on_the_way'] : []),
    ...(dmarc.result === 'fail' ? ['dmarc_fail'] : []),
    ...(spf.result === 'fail' && dmarc.result !== 'pass' ? ['spf_fail'] : []),
    ...(headers.filter(({ name }) => is(name, 'from')).length > 1 ? ['several_from'] : []),
  ];
  const isNobodys = spf.result !== 'pass' && dkim.result !== 'pass';
  // Many a small server signs nothing: this alone makes no spam.
  const reasons = [...strong, ...(isNobodys ? ['not_authenticated'] : [])];
  return { suspected: strong.length > 0, reasons };
}

/** SpamAssassin and rspamd; Microsoft's levels of 5 and more are spam. */
function isFlagged(headers: Headers): boolean {
  return headers.some(({ name, value }) => {
    const text = value.trim().slice(0, 200);
    if (is(name, 'x-spam-flag') || is(name, 'x-spam')) return /^(yes|true)\b/i.test(text);
    if (is(name, 'x-spam-status')) return /^yes\b/i.test(text);
    if (is(name, 'x-rspamd-action')) return /^(reject|add header|rewrite subject)\b/i.test(text);
    if (is(name, 'x-ms-exchange-organization-scl')) return /^[5-9]$/.test(text);
    if (is(name, 'x-forefront-antispam-report')) return /(?:^|;)\s*SCL:[5-9](?:;|$)/i.test(text);
    return false;
  });
}

/**
 * Pure: what wrote a mail, where no person did (RFC 3834 5, 2.2); null for a person. Whoever answers by a
 * program has to leave these alone.
 */
export function findAutomatic(headers: Headers, envelopeFrom: string): string | null {
  const said = (wanted: string): string | null =>
    headers
      .find(({ name }) => is(name, wanted))
      ?.value.trim()
      .toLowerCase() ?? null;
  const submitted = said('auto-submitted')?.split(/[;\s]/, 1)[0] ?? '';
  if (submitted.startsWith('auto-')) return submitted.slice(0, 50);
  const precedence = said('precedence') ?? '';
  if (precedence === 'auto_reply' || said('x-autoreply') !== null) return 'auto-replied';
  if (said('x-autorespond') !== null) return 'auto-replied';
  if (envelopeFrom === '') return 'auto-generated';
  const isList = said('list-id') !== null || said('list-unsubscribe') !== null;
  return isList || ['bulk', 'list', 'junk'].includes(precedence) ? 'bulk' : null;
}

function is(name: string, wanted: string): boolean {
  return name.toLowerCase() === wanted;
}
