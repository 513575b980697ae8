import { z } from 'zod';
import { urlField } from '../setting-fields.ts';

/** Settings of every kind that Amazon runs. */

export const regionField = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'Write a region such as eu-west-1.')
  .describe('Such as eu-west-1.');

export const awsKeyFields = {
  access_key_id: z
    .string()
    .regex(/^[\w.+/=-]{1,128}$/, 'Write the id of an access key, such as AKIAIOSFODNN7EXAMPLE.')
    .describe('Of an IAM user that may do this and nothing else.'),
  secret_access_key: z.string().min(1).max(200).describe('Kept sealed and never shown.'),
  endpoint: urlField
    .optional()
    .describe("In place of Amazon's own, for what speaks the same API, such as LocalStack."),
};

export function awsEndpoint(service: string, region: string): string {
  const suffix = region.startsWith('cn-') ? '.cn' : '';
  return `https://${service}.${region}.amazonaws.com${suffix}`;
}
