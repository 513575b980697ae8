import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf } from '../../lib/errors.ts';

const manifestSchema = z.object({
  format: z.literal(1),
  posthorn: z.string(),
  made_at: z.string(),
  size_bytes: z.number().int(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  schema: z.number().int(),
  tables: z.record(z.string(), z.number().int()),
});

/** What is said of a backup in the file beside it, so that a restore can tell whether it is still whole. */
export type Manifest = z.infer<typeof manifestSchema>;

export const manifestFile = (backupFile: string): string => `${backupFile}.json`;

/** Null where there is none: a copy that somebody made by other means. Throws an Error for one that is broken. */
export function readManifest(backupFile: string): Manifest | null {
  const file = manifestFile(backupFile);
  if (!existsSync(file)) return null;
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file} is not as "posthorn backup" writes it: ${messageOf(error)}`);
  }
}
