import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';

/** What is read of the file that Google gives out for a service account. */
const keyFile = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
  token_uri: z.url({ protocol: /^https?$/ }).default('https://oauth2.googleapis.com/token'),
});

export type ServiceAccount = z.output<typeof keyFile>;

export const serviceAccountField = z
  .string()
  .max(10_000)
  .refine(
    (text) => readServiceAccount(text) !== null,
    'Paste the whole JSON key of a service account.',
  )
  .describe('The JSON key of a service account, as a text. Kept sealed and never shown.');

/** Null when the text is no such file, or its key is none. */
export function readServiceAccount(text: string): ServiceAccount | null {
  try {
    const account = keyFile.parse(JSON.parse(text));
    return createPrivateKey(account.private_key).asymmetricKeyType === 'rsa' ? account : null;
  } catch {
    return null;
  }
}
