import type { ZodError } from 'zod';
import { nearestName } from '../core/nearest-name.ts';
import { type FieldError, messageOf, PosthornError } from '../lib/errors.ts';
import { toPointerPart } from '../lib/json-pointer.ts';
import { StoreConflict, StoreUnavailable } from '../store/engine.ts';
import type { JsonObject } from './openapi.ts';

/** RFC 9457. `type` leads to the code's entry on this server's documentation page. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  errors?: readonly FieldError[];
  request_id: string;
}

export function toProblem(error: PosthornError, requestId: string): Problem {
  return {
    type: `/docs#error-${error.code}`,
    title: error.title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.fields.length === 0 ? {} : { errors: error.fields }),
    request_id: requestId,
  };
}

/** Whatever was thrown, as an error that may be shown. Nothing of an unknown one gets out. */
export function toPosthornError(error: unknown): PosthornError {
  if (error instanceof PosthornError) return error;
  if (error instanceof StoreUnavailable) {
    return new PosthornError('store_unavailable', error.message, {
      cause: error,
      retryAfterSeconds: 5,
    });
  }
  if (error instanceof StoreConflict) {
    const detail =
      'Another request changed the same thing at the same moment. Read it again, then retry.';
    return new PosthornError('conflict', detail, { cause: error });
  }
  return fromFastify(error) ?? internalError(error);
}

function internalError(cause: unknown): PosthornError {
  const detail = 'The log of the server has the details, under the request id of this answer.';
  return new PosthornError('internal', detail, { cause });
}

/** Errors that Fastify throws before a handler runs (fastify.dev/docs/latest/Reference/Errors). */
function fromFastify(error: unknown): PosthornError | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  const code = 'code' in error ? error.code : null;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new PosthornError('too_large', 'The body is larger than this route takes.');
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const detail = 'Send JSON with the header "Content-Type: application/json".';
    return new PosthornError('unsupported_media_type', detail);
  }
  if (code === 'FST_ERR_BAD_URL') {
    return new PosthornError('bad_request', 'The path has a percent sign that encodes nothing.');
  }
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') {
    return new PosthornError('not_found', 'There is nothing here: no id is this long.');
  }
  const status = Number(error.statusCode);
  return status >= 400 && status < 500 ? new PosthornError('bad_request', messageOf(error)) : null;
}

/**
 * `where`: what the pointers start with, such as `/` for the body or `?` for the query. `schema`: the
 * JSON Schema that was checked, for the names that exist.
 */
export function validationError(
  error: ZodError,
  schema: () => JsonObject,
  where: string,
): PosthornError {
  const fields = error.issues
    .flatMap(unfoldUnion)
    .slice(0, 20)
    .flatMap((issue): FieldError[] => {
      const base = where + issue.path.map(toPointerPart).join('/');
      if (issue.code !== 'unrecognized_keys') return [{ pointer: base, detail: detailOf(issue) }];
      const known = fieldNames(schema(), issue.path);
      return issue.keys.map((key) => {
        const nearest = nearestName(key, known);
        const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
        const pointer =
          issue.path.length > 0 ? `${base}/${toPointerPart(key)}` : where + toPointerPart(key);
        return { pointer, detail: `There is no field "${key}" here.${hint}` };
      });
    });
  const [first] = fields;
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more, see "errors")` : '';
  const detail =
    first === undefined ? 'A field is wrong.' : `${first.pointer}: ${first.detail}${more}`;
  return new PosthornError('invalid_field', detail, { fields });
}

type Issue = ZodError['issues'][number];

/** Of a wrong key it says what is wrong with it, which stands one level below. */
function detailOf(issue: Issue): string {
  return (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
}

/** The names that an object may have at this place of the schema. */
function fieldNames(schema: JsonObject, path: readonly PropertyKey[]): string[] {
  const branches = (schema['anyOf'] ?? []) as JsonObject[];
  const below = branches.flatMap((branch) => fieldNames(branch, path));
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  const [part, ...rest] = path;
  if (part === undefined) return [...Object.keys(properties), ...below];
  const next = typeof part === 'number' ? schema['items'] : properties[String(part)];
  return [...(next === undefined ? [] : fieldNames(next as JsonObject, rest)), ...below];
}

/** Of a union, the branch that the value was meant for: the one that it matched in kind. */
function unfoldUnion(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors
    .map((branch) => branch.flatMap((one) => unfoldUnion(one as Issue)))
    .find((branch) => branch.every((one) => one.path.length > 0 || !isOtherKind(one)));
  if (meant === undefined) return [issue];
  return meant.map((one): Issue => ({ ...one, path: [...issue.path, ...one.path] }));
}

function isOtherKind({ code }: Issue): boolean {
  return code === 'invalid_type' || code === 'invalid_union';
}
