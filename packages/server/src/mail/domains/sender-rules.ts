import { PosthornError } from '../../lib/errors.ts';
import { putBefore, signMessage } from '../dkim/sign-message.ts';
import type { DomainDirectory } from './domain-directory.ts';

/** What a sender's domain means for a message that comes in. */
export interface SenderRules {
  /** Throws `unverified_domain` when the project may not send from this address. */
  admit(projectId: string, from: string): void;
  /**
   * The message with the signatures of its sender's domain; without them where there is none. `top`: header fields
   * that are to stand before `raw`.
   */
  sign(projectId: string, from: string, raw: Buffer, top?: Buffer): Promise<Buffer>;
}

export function createSenderRules(deps: {
  directory: Pick<DomainDirectory, 'findSender' | 'hasAny'>;
  /** Null: as soon as the project has a domain. */
  requiresVerified: (projectId: string) => boolean | null;
  now: () => number;
}): SenderRules {
  const { directory } = deps;
  return {
    admit(projectId, from) {
      if (!(deps.requiresVerified(projectId) ?? directory.hasAny(projectId))) return;
      const found = directory.findSender(projectId, from);
      if (found !== null && found.record.verifiedAtMs !== null) return;
      const name = found?.record.name ?? from.slice(from.lastIndexOf('@') + 1);
      const detail =
        found === null
          ? `The project may not send from ${name}. Add the domain (POST /v1/domains) and publish its records.`
          : `The domain ${name} is not verified yet. Publish its DKIM records, then POST /v1/domains/${found.record.id}/check.`;
      throw new PosthornError('unverified_domain', detail, {
        fields: [{ pointer: '/from', detail }],
      });
    },
    async sign(projectId, from, raw, top) {
      const found = directory.findSender(projectId, from);
      if (found === null || found.record.verifiedAtMs === null) return putBefore(raw, top);
      const keys = found.signingKeys();
      const { name: domain } = found.record;
      return signMessage(raw, {
        ...{ domain, keys, nowMs: deps.now() },
        ...(top === undefined ? {} : { top }),
      });
    },
  };
}
