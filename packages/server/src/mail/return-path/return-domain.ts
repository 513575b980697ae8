import { hasReadyReturnPath, returnPathOf } from '../../store/mail/domains.ts';
import type { DomainDirectory } from '../domains/domain-directory.ts';

/** The domain behind the `@` of addresses that answers to a message come back to; null for none. */
export type ReturnDomain = (message: { projectId: string; headerFrom: string }) => string | null;

/**
 * The return path of the sending domain, where its records stand in DNS, so that SPF and DMARC are aligned;
 * else the server's.
 */
export function createReturnDomain(deps: {
  directory: Pick<DomainDirectory, 'findSender'>;
  /** `return_path_domain`. */
  serverDomain: string | null;
  /** Whether mail to the return paths of domains is read here, or by another node. */
  isRead: boolean;
}): ReturnDomain {
  function ownDomain(projectId: string, from: string): string | null {
    const record = deps.isRead ? deps.directory.findSender(projectId, from)?.record : undefined;
    if (record === undefined || record.verifiedAtMs === null) return null;
    return hasReadyReturnPath(record) ? returnPathOf(record) : null;
  }
  return ({ projectId, headerFrom }) => ownDomain(projectId, headerFrom) ?? deps.serverDomain;
}
