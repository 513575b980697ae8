import type { Config } from '../config.ts';
import type { MessageAcceptor } from '../mail/accept-message.ts';
import { composeNotice } from '../mail/compose-notice.ts';
import type { Statement } from '../store/engine.ts';

/** A mail of Posthorn's own to a person. */
export interface Notice {
  projectId: string;
  to: string;
  subject: string;
  text: string;
}

/**
 * The one way in which parts of Posthorn mail people: through its own queue, from its own address. Those
 * of one project, all or none, in one commit with `beside`; resolves when they are on disk.
 */
export function createNoticeSender(
  { config }: { config: Pick<Config, 'noticeFrom' | 'hostname'> },
  acceptor: () => Pick<MessageAcceptor, 'acceptInputs'>,
): (notices: readonly Notice[], beside?: readonly Statement[]) => Promise<void> {
  const from = config.noticeFrom ?? `posthorn@${config.hostname}`;
  return async (notices, beside = []) => {
    const [first] = notices;
    if (first === undefined) return;
    const inputs = notices.map(({ projectId: _, ...notice }) => composeNotice({ from, ...notice }));
    await acceptor().acceptInputs(first.projectId, inputs, () => beside);
  };
}
