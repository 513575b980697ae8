// A table: where the expectations of the corpus contradict the vendors' pages. docs/providers.md has the same.

interface Exception {
  provider: string;
  /** Of the file's name, without its ending. */
  file: RegExp;
  field: string;
  reason: string;
}

const EXCEPTIONS: readonly Exception[] = [
  {
    provider: 'mailersend',
    file: /^(?:clicked|opened|unsubscribed)/,
    field: 'metadata',
    reason: 'address, URL and reason of the activity are no metadata of the message',
  },
  {
    provider: 'postmark',
    file: /^subscription_change$/,
    field: 'name',
    reason: 'SuppressionReason is HardBounce: nobody has unsubscribed',
  },
  {
    provider: 'resend',
    file: /./,
    field: 'metadata',
    reason: 'the whole of "data" is no metadata of the message',
  },
];

/** Why the vendor's page says otherwise than the expectation; `null` where it does not. */
export function explainVendor(provider: string, file: string, field: string): string | null {
  const name = file.replace(/\.json$/, '');
  const found = EXCEPTIONS.find(
    (one) => one.provider === provider && one.field === field && one.file.test(name),
  );
  return found?.reason ?? null;
}
