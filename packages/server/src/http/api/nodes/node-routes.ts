import { z } from 'zod';
import { toTimestamp } from '../../../lib/clock.ts';
import type { Engine } from '../../../store/engine.ts';
import type { HeldWork, NodeRecord, Nodes } from '../../../store/nodes.ts';
import { defineRoute, type Route } from '../../route.ts';
import { timestampSchema } from '../schemas.ts';

const nodeSchema = z.object({
  id: z.string(),
  host: z.string().describe('The name of its machine.'),
  pid: z.number().int(),
  version: z.string(),
  roles: z.array(z.string()),
  state: z.enum(['working', 'draining']).describe('draining: it stops and takes no new work.'),
  started_at: timestampSchema,
  last_beat_at: timestampSchema
    .nullable()
    .describe('Once a second. null on the embedded store, whose only node has nobody to tell.'),
  leases: z.object({
    deliveries: z.number().int().describe('Webhooks that it is posting, or has in memory.'),
    mail: z.number().int().describe('Recipients that it is sending to, or has in memory.'),
  }),
  lag_seconds: z.number().describe('For how long the first of what it holds has been due.'),
  posts_in_flight: z.number().int().describe('As of its last beat.'),
  duties: z.array(z.string()).describe('What it does for all nodes.'),
});

const nodeList = z.object({
  data: z.array(nodeSchema).describe('By their ids, so the one that started first comes first.'),
});

/** The operator's view of who works on the database. */
export function createNodeRoutes(deps: {
  nodes: Pick<Nodes, 'list' | 'duties' | 'held'>;
  engine: Pick<Engine, 'shared'>;
  now: () => number;
}): Route[] {
  const { nodes, engine, now } = deps;
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/nodes',
      auth: 'admin',
      group: 'System',
      summary: 'Who works on this database?',
      description:
        'A node that is silent for ten seconds is declared dead by the others and is left out; so is one that has stopped.',
      responses: { 200: { description: 'The living nodes.', schema: nodeList } },
      async handle() {
        const nowMs = now();
        const [living, duties, held] = await Promise.all([
          nodes.list(),
          nodes.duties(),
          nodes.held(nowMs),
        ]);
        const heldBy = new Map(held.map((one) => [one.node, one]));
        const data = living.map((node) => ({
          ...toNodeJson(node, heldBy.get(node.id), nowMs),
          last_beat_at: engine.shared ? toTimestamp(node.beatAtMs) : null,
          duties: duties.filter((duty) => duty.node === node.id).map(({ name }) => name),
        }));
        return { status: 200, body: { data } };
      },
    }),
  ];
}

function toNodeJson(node: NodeRecord, held: HeldWork | undefined, nowMs: number) {
  const dueSinceMs = held?.dueSinceMs ?? nowMs;
  return {
    id: node.id,
    host: node.host,
    pid: node.pid,
    version: node.version,
    roles: node.roles,
    state: node.state,
    started_at: toTimestamp(node.startedAtMs),
    leases: { deliveries: held?.deliveries ?? 0, mail: held?.mail ?? 0 },
    lag_seconds: (nowMs - dueSinceMs) / 1_000,
    posts_in_flight: node.stats.postsInFlight,
  };
}
