import { z } from 'zod';
import { type SinkItem, SinkTrouble } from '../contract.ts';
import { batchDigest } from '../warehouse/event-row.ts';
import { awsEndpoint } from './aws-fields.ts';

/** Settings of every kind that writes objects. */

export const bucketField = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'This is no name of a bucket.')
  .describe('It has to be there.');

export const prefixField = z
  .string()
  .regex(
    /^(?:(?!\.{1,2}\/)[\w!.*'()=-]+\/)*$/,
    'Write folders, each with a slash behind it: mail/events/.',
  )
  .max(500)
  .default('posthorn/')
  .describe('What the names begin with.');

export const pathStyleField = z
  .boolean()
  .default(false)
  .describe('The bucket in the path, not in the name of the host: most servers of your own.');

/** With the bucket in it, and a slash at its end. */
export function bucketUrl(config: {
  endpoint?: string | undefined;
  region: string;
  bucket: string;
  path_style: boolean;
}): string {
  const { endpoint, region, bucket, path_style } = config;
  const base = new URL(endpoint ?? awsEndpoint('s3', region));
  base.pathname = base.pathname.replace(/\/?$/, path_style ? `/${bucket}/` : '/');
  if (!path_style) base.host = `${bucket}.${base.host}`;
  return base.href;
}

/**
 * By the hour of its first event, then named by the first and the last one, and by all of them: what is
 * sent again takes the place of what may be there already, and nothing else does.
 */
export function objectNameOf(items: readonly SinkItem[]): string {
  const firstAt = new Date(items[0]?.event.timestamp ?? 0).toISOString();
  const [date, hour] = firstAt.split(/[T:]/);
  const span = `${items[0]?.event.id}-${items.at(-1)?.event.id}`;
  return `date=${date}/hour=${hour}/${span}-${batchDigest(items).slice(0, 8)}`;
}

/** Whatever S3 has against a request, it is not what stands in one event: none is put aside for it. */
export function notByEvents(error: unknown): unknown {
  if (!(error instanceof SinkTrouble) || error.code !== 'refused') return error;
  return /TooLarge/.test(error.message)
    ? error
    : new SinkTrouble('not_found', error.message, { cause: error });
}
