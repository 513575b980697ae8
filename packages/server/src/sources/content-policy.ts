import { PosthornError } from '../lib/errors.ts';

/**
 * What providers post: JSON in its many names, forms, text (SNS says so of its JSON) and bytes. Which of
 * them it is, is decided by the bytes; what can be none of them is refused before it is read.
 */
const TAKEN =
  /^(application\/([\w.-]+\+)?json([-\w]*)?|application\/(x-ndjson|x-jsonlines|jsonlines|jsonl|x-www-form-urlencoded|octet-stream)|text\/(plain|json)|multipart\/form-data)$/;

/** Throws `unsupported_media_type`. */
export function checkContent(headers: {
  'content-type'?: string | undefined;
  'content-encoding'?: string | undefined;
}): void {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== '' && !TAKEN.test(type)) {
    throw new PosthornError(
      'unsupported_media_type',
      `A webhook of the type ${type.slice(0, 100)} cannot be read: send JSON or a form.`,
    );
  }
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity') {
    throw new PosthornError(
      'unsupported_media_type',
      'Send the body as it is, without Content-Encoding: signatures are over its bytes.',
    );
  }
}
