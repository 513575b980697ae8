import type { FastifyInstance } from 'fastify';
import { PosthornError } from '../../lib/errors.ts';
import type { MailReader } from '../../mail/inbound/read/mail-reader.ts';
import { readWholeHtml } from '../../mail/read-content.ts';
import type { Messages } from '../../store/mail/messages.ts';
import type { ReceivedMails } from '../../store/mail/received-mail.ts';
import { requireScope } from '../access/authenticate.ts';
import { readBytes } from '../api/messages/content-routes.ts';
import type { PortalDoor } from './portal-door.ts';
import type { SessionService } from './sign-in.ts';

/**
 * What somebody has written is shown in a frame of its own origin that loads nothing, runs nothing and leads
 * nowhere: neither the sender of the mail nor anybody else learns that it was looked at.
 */
const FRAME_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'cache-control': 'no-store',
};

/** The HTML of mails for a frame of the portal, which cannot send a header with what it asks for. */
export function addMessageFrames(
  app: FastifyInstance,
  deps: {
    door: Pick<PortalDoor, 'admit'>;
    service: Pick<SessionService, 'toCaller'>;
    messages: Pick<Messages, 'get' | 'raw'>;
    receivedMail: Pick<ReceivedMails, 'raw'>;
    /** Reads what strangers have written in a thread of its own. */
    mailReader: Pick<MailReader, 'html'>;
  },
): void {
  const { messages, receivedMail, mailReader } = deps;

  function addFrame(
    of: string,
    readHtml: (projectId: string, id: string) => Promise<string | null>,
  ): void {
    app.get(`/portal/api/projects/:project/${of}/:id/html`, async (request, reply) => {
      const { project, id } = request.params as { project: string; id: string };
      const caller = deps.service.toCaller(await deps.door.admit(request), project);
      requireScope(caller, 'read');
      const html = await readHtml(caller.projectId, id);
      return reply
        .headers(FRAME_HEADERS)
        .type('text/html; charset=utf-8')
        .send(disarm(html ?? ''));
    });
  }

  addFrame('messages', async (projectId, id) =>
    readWholeHtml(await readBytes(messages, projectId, id)),
  );
  addFrame('inbound', async (projectId, id) => {
    const raw = await receivedMail.raw(projectId, id);
    if (raw === null) throw new PosthornError('not_found', `Of ${id} there are no bytes.`);
    // Who could not be read when he came cannot now.
    return mailReader.html(raw).catch(() => null);
  });
}

/** No policy keeps <link> from connecting to where it points (preconnect, dns-prefetch). */
function disarm(html: string): string {
  return html.replace(/<(?=link\b)/gi, '<no-');
}
