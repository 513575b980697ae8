import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startFaultWorld } from './fixtures/fault-world.ts';

const FULL_AT = '4mb';
const ROOM = '1gb';

test('the disk of an embedded store is full, until there is room again: nothing is lost', async (t) => {
  const world = await startFaultWorld(t, {
    nodes: [{ settings: { 'store-max-size': FULL_AT } }],
    heldBy: async (_node, folder) => readHeld(folder),
    feed: { perSecond: 200 },
  });
  const [full] = world.nodes;
  if (full === undefined) return;
  while ((await fetch(`${full.httpUrl}/readyz`)).ok) await delay(50);
  await world.kill(full, 'SIGTERM');
  // What was answered while nothing could be stored is due again.
  await world.noteHeld(full);
  await world.start({ settings: { 'store-max-size': ROOM } });
  await world.feed.untilMore(300);
  await world.settle();
});

/** In the file of a process that has ended. */
function readHeld(folder: string): string[] {
  const database = new DatabaseSync(join(folder, 'posthorn.sqlite'));
  const rows = database.prepare('SELECT event_id FROM deliveries WHERE node IS NOT NULL').all();
  database.close();
  return rows.map((row) => String(row['event_id']));
}
