import { createGenericProvider, findProvider, type Provider } from '@posthorn/sdk';
import { livingTexts, type SourceRecord, type SourceSecrets } from '../core/source.ts';

/** The provider's file that a source goes by; null for one that this version does not have. */
export function providerOf({
  provider,
  settings,
}: Pick<SourceRecord, 'provider' | 'settings'>): Provider | null {
  const found = findProvider(provider) ?? null;
  if (found?.name !== 'generic') return found;
  const { mapping, signature } = settings;
  return createGenericProvider({
    ...(mapping === null ? {} : { mapping }),
    ...(signature === null ? {} : { signature }),
  });
}

/** What a webhook may prove itself with: the secrets that count, and the topics that are allowed. */
export function proofsOf(
  { settings }: Pick<SourceRecord, 'settings'>,
  { secrets }: SourceSecrets,
  nowMs: number,
): string[] {
  return [...livingTexts(secrets, nowMs).map(({ text }) => text), ...settings.topics];
}

/** The status that ends a provider's retries, where it has one. */
export function stopStatusOf({ answer }: Provider): 401 | 403 | 406 | null {
  const refusals = [401, 403, 406] as const;
  return refusals.find((status) => answer.stopStatuses.includes(status)) ?? null;
}
