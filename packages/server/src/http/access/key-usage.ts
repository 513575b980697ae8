import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { ApiKeys, KeyUse } from '../../store/access/api-keys.ts';

/** A minute is as fine as it is told, so a busy key costs one write in that time. */
const FLUSH_MS = 60_000;
/** Statements of one commit: other commits wait for it. */
const MAX_STATEMENTS = 200;

/** When each key was used last: gathered in memory, stored now and then. */
export interface KeyUsage {
  note(key: { projectId: string; keyId: string }): void;
  /** Stores what was gathered. Never rejects: a use that could not be stored is forgotten. */
  flush(): Promise<void>;
}

export function createKeyUsage(options: {
  apiKeys: Pick<ApiKeys, 'noteUses'>;
  clock: Clock;
  log: Log;
}): KeyUsage {
  const { clock } = options;
  const uses = new Map<string, KeyUse>();
  let cancelTimer: (() => void) | null = null;

  async function flush(): Promise<void> {
    cancelTimer?.();
    cancelTimer = null;
    const gathered = [...uses.values()];
    uses.clear();
    try {
      for (let i = 0; i < gathered.length; i += MAX_STATEMENTS) {
        await options.apiKeys.noteUses(gathered.slice(i, i + MAX_STATEMENTS));
      }
    } catch (error) {
      options.log.warn({ error: messageOf(error) }, 'When keys were used could not be stored');
    }
  }

  return {
    note({ projectId, keyId }) {
      uses.set(keyId, { projectId, id: keyId, usedAtMs: clock.now() });
      cancelTimer ??= clock.after(FLUSH_MS, () => void flush());
    },
    flush,
  };
}
