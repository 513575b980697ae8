import { z } from 'zod';
import { isId } from '../../../core/ids.ts';
import { toComparableAddress } from '../../../core/mail/mail-domain.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { InboundRoom } from '../../../mail/inbound/create-inbound-room.ts';
import { MAX_FILE_TOKEN_CHARS } from '../../../mail/inbound/file-token.ts';
import type { MailFile } from '../../../mail/inbound/read/parse-mail.ts';
import type { Engine } from '../../../store/engine.ts';
import type { ReceivedMail, ReceivedMails } from '../../../store/mail/received-mail.ts';
import { defineRoute, type Route, type RouteAnswer } from '../../route.ts';
import { idParam, keyOfCursor, pageQuery } from '../schemas.ts';
import { receivedDetail, receivedList, toReceivedJson, toReceivedSummary } from './inbound-json.ts';

export interface ReceivedRouteDeps {
  receivedMail: ReceivedMails;
  inboundRoom: Pick<InboundRoom, 'reader' | 'tokens' | 'urlsOf'>;
  engine: Pick<Engine, 'commit'>;
  now: () => number;
}

const NOT_KEPT =
  'The bytes of this mail are not kept any more (the retention of bodies), or it was deleted.';
/** A stranger's file, from our own name: a browser saves it and shows nothing of it. */
const FILE_HEADERS = {
  'cache-control': 'private, no-store',
  'content-security-policy': "default-src 'none'; sandbox",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
};

const listQuery = z.strictObject({
  ...pageQuery,
  recipient: z.string().max(320).optional().describe('The address that it came to.'),
  route_id: z.string().max(200).optional().describe('The route that took it.'),
});

/** Mail that has come in. */
export function createReceivedRoutes(deps: ReceivedRouteDeps): Route[] {
  const { receivedMail, inboundRoom } = deps;
  const params = idParam('id', 'mail');

  async function find(projectId: string, id: string): Promise<ReceivedMail> {
    const mail = isId('received', id) ? await receivedMail.get(projectId, id) : null;
    if (mail === null) throw new PosthornError('not_found', `There is no inbound mail ${id}.`);
    return mail;
  }

  async function readBytes(projectId: string, id: string): Promise<Uint8Array> {
    const raw = await receivedMail.raw(projectId, id);
    if (raw === null) throw new PosthornError('not_found', NOT_KEPT);
    return raw;
  }

  async function readFile(projectId: string, id: string, number: number): Promise<RouteAnswer> {
    const raw = await readBytes(projectId, id);
    if (number === 0) {
      return toFileAnswer({ filename: `${id}.eml`, contentType: 'message/rfc822', content: raw });
    }
    const file = await inboundRoom.reader.file(raw, number);
    if (file === null) throw new PosthornError('not_found', `The mail has no file ${number}.`);
    return toFileAnswer(file);
  }

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/inbound/messages',
      auth: 'read',
      group: 'Inbound',
      summary: 'List mail that has come in',
      query: listQuery,
      responses: { 200: { description: 'A page, the newest first.', schema: receivedList } },
      async handle({ projectId, query }) {
        const { rows, nextCursor } = await receivedMail.list({
          projectId,
          limit: query.limit,
          beforeId: keyOfCursor(query.cursor, (key) => isId('received', key)),
          recipient: query.recipient === undefined ? null : toComparableAddress(query.recipient),
          routeId: query.route_id ?? null,
        });
        const body = { data: rows.map(toReceivedSummary), next_cursor: nextCursor };
        return { status: 200, body };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/inbound/messages/{id}',
      auth: 'read',
      group: 'Inbound',
      summary: 'One mail that has come in',
      description:
        'All that email.received tells, not cut short. Its texts are there as long as its bytes are kept (the retention of bodies).',
      params,
      responses: { 200: { description: 'The mail.', schema: receivedDetail } },
      async handle({ projectId, params: given }) {
        const mail = await find(projectId, String(given['id']));
        const raw = await receivedMail.raw(projectId, mail.id);
        // Who could not be read when he came cannot now.
        const words = raw === null ? null : await inboundRoom.reader.words(raw).catch(() => null);
        const urls = raw === null ? null : inboundRoom.urlsOf(mail);
        return { status: 200, body: toReceivedJson(mail, words, urls) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/inbound/messages/{id}/raw',
      auth: 'read',
      group: 'Inbound',
      summary: 'The bytes of a mail that has come in',
      params,
      responses: {
        200: {
          description: 'As it came, with Return-Path and Received on top.',
          contentType: 'message/rfc822',
        },
      },
      async handle({ projectId, params: given }) {
        const { id } = await find(projectId, String(given['id']));
        return readFile(projectId, id, 0);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/inbound/messages/{id}/attachments/{number}',
      auth: 'read',
      group: 'Inbound',
      summary: 'A file of a mail that has come in',
      params: z.object({
        id: z.string().max(200).describe('The id of the mail.'),
        number: z.coerce.number().int().min(1).max(1_000).describe('As in `attachments`.'),
      }),
      responses: {
        200: { description: 'The file, decoded.', contentType: 'application/octet-stream' },
      },
      async handle({ projectId, params: given }) {
        const { id } = await find(projectId, given.id);
        return readFile(projectId, id, given.number);
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/inbound/messages/{id}',
      auth: 'manage',
      group: 'Inbound',
      summary: 'Delete a mail that has come in',
      description: 'With its bytes and files. Its event stays.',
      params,
      responses: { 204: { description: 'Deleted.' } },
      async handle({ projectId, params: given }) {
        const { id } = await find(projectId, String(given['id']));
        await deps.engine.commit({ events: [], statements: receivedMail.removal(projectId, id) });
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/files/{token}',
      auth: 'none',
      group: 'Inbound',
      summary: 'A mail or a file of one, by the URL in an event',
      description: 'For who has the URL: it is signed, names one file, and expires.',
      params: z.object({
        token: z.string().max(MAX_FILE_TOKEN_CHARS).describe('Made and signed by this server.'),
      }),
      responses: {
        200: { description: 'The file, decoded.', contentType: 'application/octet-stream' },
        404: { description: 'not_found: no token of ours, expired, or not kept any more.' },
      },
      async handle({ params: given }) {
        const ref = inboundRoom.tokens.read(given.token, deps.now());
        if (ref === null) {
          const detail = 'This link was not made here, was changed on its way, or has expired.';
          throw new PosthornError('not_found', detail);
        }
        return readFile(ref.projectId, ref.receivedId, ref.number);
      },
    }),
  ];
}

function toFileAnswer({ filename, contentType, content }: MailFile): RouteAnswer {
  const isType = /^[a-z0-9][\w.+-]*\/[a-z0-9][\w.+-]*$/i.test(contentType);
  // RFC 6266 4.3, RFC 8187.
  const name = encodeURIComponent((filename ?? 'file').toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  );
  return {
    status: 200,
    body: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
    headers: {
      ...FILE_HEADERS,
      'content-type': isType ? contentType : 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${name}`,
    },
  };
}
