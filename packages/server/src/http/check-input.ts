import type { z } from 'zod';
import { PosthornError } from '../lib/errors.ts';
import { describeIssue } from './describe-issue.ts';
import { toJsonSchema } from './openapi.ts';
import { validationError } from './problem.ts';

/**
 * A part of a request against its schema; undefined where there is none. `where`: `/` for the body, `?`
 * for the query, `{}` for the path. Throws `invalid_field` or `malformed_json`.
 */
export function checkInput<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: '/' | '?' | '{}',
): z.output<S> {
  const result = schema.safeParse(value ?? (where === '/' ? value : {}), {
    error: describeIssue,
  });
  if (result.success) return result.data;
  if (where === '/' && value === undefined) {
    throw new PosthornError('malformed_json', 'The body is empty; this route needs JSON.');
  }
  const prefix = where === '{}' ? '' : where;
  throw validationError(result.error, () => toJsonSchema(schema, 'input'), prefix);
}
