import type { Log } from '../../lib/log.ts';
import type { IncomingDoor } from '../../smtp/incoming/incoming.ts';
import { createIncomingServer } from '../../smtp/incoming/incoming-server.ts';
import type { SmtpListener } from '../../smtp/smtp-listener.ts';

/** A few of the largest mails at once; more are put off. */
const MEMORY_BYTES = 128 * 1_048_576;
const MAX_CONNECTIONS = 200;
/** Big mailbox providers send from few addresses. */
const MAX_CONNECTIONS_PER_ADDRESS = 20;
/** RFC 5321 4.5.3.2.7 */
const IDLE_MS = 300_000;

/** The listener for mail from the world; null where no port is set. */
export function createIncoming(deps: {
  config: { hostname: string; returnPathPort: number | null };
  tls: { key: string; cert: string } | null;
  doors: readonly IncomingDoor[];
  refuseWork: () => { title: string } | null;
  logger: Log;
}): SmtpListener | null {
  const { config, tls } = deps;
  if (config.returnPathPort === null) return null;
  return createIncomingServer({
    hostname: config.hostname,
    ...(tls === null ? {} : { tls }),
    doors: deps.doors,
    memoryBytes: MEMORY_BYTES,
    maxConnections: MAX_CONNECTIONS,
    maxConnectionsPerAddress: MAX_CONNECTIONS_PER_ADDRESS,
    idleMs: IDLE_MS,
    canAccept() {
      const refusal = deps.refuseWork();
      return refusal === null ? { ok: true } : { ok: false, reason: refusal.title };
    },
    log: deps.logger,
  });
}
