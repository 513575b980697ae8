import { startBenchEngine } from '../engine.ts';
import type { Peer } from './peer.ts';

/** `databaseUrl`: of an empty PostgreSQL; without it SQLite. */
export async function startPosthornPeer(url: string, databaseUrl?: string): Promise<Peer> {
  const engine = await startBenchEngine(databaseUrl === undefined ? {} : { databaseUrl });
  const projectId = engine.nextProjectId();
  await engine.addEndpoint(url);
  let appended = 0;
  return {
    name: databaseUrl === undefined ? 'Posthorn, SQLite' : 'Posthorn, PostgreSQL',
    guarantee:
      'accepted = synced to disk, with what it owes; each attempt recorded with status, time and answer',
    async append(event) {
      appended += 1;
      await engine.log.append([{ projectId, event, dedupKey: null }]);
    },
    // Told when the result is on disk.
    done: engine.recorded,
    listen: engine.onRecorded,
    async settle() {
      while (engine.recorded() < appended) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    close: engine.close,
  };
}
