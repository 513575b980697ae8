import type { ZodError } from 'zod';
import { nearestName } from '../core/nearest-name.ts';
import { type FieldError, messageOf, PosthornError } from '../lib/errors.ts';
import { StoreConflict, StoreUnavailable } from '../store/engine.ts';

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
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY') {
    return new PosthornError(
      'malformed_json',
      'The body is empty; this route needs a JSON object.',
    );
  }
  if (error instanceof SyntaxError || code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return new PosthornError('malformed_json', `The body is not JSON: ${messageOf(error)}.`);
  }
  const status = Number(error.statusCode);
  return status >= 400 && status < 500 ? new PosthornError('bad_request', messageOf(error)) : null;
}

/** `where`: what the pointers start with, such as `/` for the body or `?` for the query. */
export function validationError(
  error: ZodError,
  knownFields: readonly string[],
  where: string,
): PosthornError {
  const fields = error.issues
    .flatMap(unfoldUnion)
    .slice(0, 20)
    .flatMap((issue): FieldError[] => {
      const base = where + issue.path.map((part) => String(part)).join('/');
      if (issue.code !== 'unrecognized_keys') return [{ pointer: base, detail: issue.message }];
      return issue.keys.map((key) => {
        const nearest = nearestName(key, knownFields);
        const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
        const pointer = issue.path.length > 0 ? `${base}/${key}` : where + key;
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

/** Of a union, the branch that the value was meant for: the one that it matched in kind. */
function unfoldUnion(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.find((branch) =>
    branch.every((one) => one.path.length > 0 || one.code !== 'invalid_type'),
  );
  if (meant === undefined) return [issue];
  return meant
    .map((one): Issue => ({ ...one, path: [...issue.path, ...one.path] }))
    .flatMap(unfoldUnion);
}
