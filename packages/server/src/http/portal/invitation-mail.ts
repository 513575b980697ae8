import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { MessageAcceptor } from '../../mail/accept-message.ts';
import { composeNotice } from '../../mail/compose-notice.ts';
import type { SendInvitation } from './user-routes.ts';

/**
 * Sends invitations through our own queue. Where nobody has said how the server is reached from outside a
 * link would lead nowhere, so none is sent; the owner has it on the page anyway.
 */
export function createInvitationMailer(options: {
  acceptor: Pick<MessageAcceptor, 'acceptInput'>;
  publicUrl: string | null;
  noticeFrom: string | null;
  hostname: string;
  log: Log;
}): SendInvitation {
  const { acceptor, publicUrl, hostname, log } = options;
  const from = options.noticeFrom ?? `posthorn@${hostname}`;
  return async ({ projectId, to, inviter, path }) => {
    if (publicUrl === null) return false;
    const link = `${publicUrl.replace(/\/$/, '')}${path}`;
    const subject = `Your invitation to Posthorn at ${hostname}`;
    const text = `${inviter} invites you to Posthorn at ${hostname}.\n\nChoose your name and password here:\n${link}\n\nThe link works once, for a week. If you did not expect it, leave it alone.\n`;
    try {
      await acceptor.acceptInput(projectId, composeNotice({ from, to, subject, text }), () => []);
      return true;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'An invitation could not be mailed');
      return false;
    }
  };
}
