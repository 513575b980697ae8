import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { readContent } from '../../../mail/read-content.ts';
import type { Messages } from '../../../store/mail/messages.ts';
import { defineRoute, type Route } from '../../route.ts';
import { idParam } from '../schemas.ts';

const params = idParam('id', 'message');

const contentSchema = z.object({
  headers: z
    .array(z.object({ name: z.string(), value: z.string() }))
    .describe('Unfolded, names in lower case, in their order.'),
  text: z.string().nullable(),
  html: z.string().nullable(),
  attachments: z.array(
    z.object({
      filename: z.string().nullable(),
      content_type: z.string(),
      size_bytes: z.number().int(),
      content_id: z.string().nullable().describe('The HTML shows it as cid:...'),
    }),
  ),
  truncated: z
    .boolean()
    .describe(
      'It has more than 5 MB, and only its beginning was read: attachments may be missing.',
    ),
});

/** What was sent, as people read it and as it went over the line. */
export function createContentRoutes(deps: { messages: Pick<Messages, 'get' | 'raw'> }): Route[] {
  const { messages } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/messages/{id}/content',
      auth: 'read',
      group: 'Messages',
      summary: 'What a message says',
      description:
        'Its text, its HTML and its headers, as long as its bytes are kept (the retention of bodies). Where opens or clicks are tracked each recipient got a copy with links of ours; this is what it was made from.',
      params,
      responses: { 200: { description: 'The content.', schema: contentSchema } },
      async handle({ projectId, params: { id } }) {
        const content = await readContent(await readBytes(messages, projectId, String(id)));
        return {
          status: 200,
          body: {
            headers: content.headers,
            text: content.text,
            html: content.html,
            attachments: content.attachments.map((one) => ({
              filename: one.filename,
              content_type: one.contentType,
              size_bytes: one.sizeBytes,
              content_id: one.contentId,
            })),
            truncated: content.isTruncated,
          },
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/messages/{id}/raw',
      auth: 'read',
      group: 'Messages',
      summary: 'The bytes of a message',
      description: 'Its source (RFC 5322), as long as it is kept.',
      params,
      responses: {
        200: { description: 'The message.', contentType: 'message/rfc822' },
      },
      async handle({ projectId, params: { id } }) {
        const body = await readBytes(messages, projectId, String(id));
        return {
          status: 200,
          body,
          headers: {
            'content-type': 'message/rfc822',
            'content-disposition': `attachment; filename="${String(id)}.eml"`,
          },
        };
      },
    }),
  ];
}

/** Throws `not_found`: there is no such message, or its bytes are not kept any more. */
export async function readBytes(
  messages: Pick<Messages, 'get' | 'raw'>,
  projectId: string,
  id: string,
): Promise<Uint8Array> {
  const message = isId('message', id) ? await messages.get(projectId, id) : null;
  if (message === null) throw new PosthornError('not_found', `There is no message ${id}.`);
  const raw = await messages.raw(projectId, id);
  if (raw !== null) return raw;
  const detail =
    'The bytes of this message are not kept any more; what became of it still is. How long bodies are kept is a setting of the project (bodies_days).';
  throw new PosthornError('body_gone', detail);
}
