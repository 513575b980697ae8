import { type Engine, StoreConflict } from './engine.ts';
import { toStatement } from './statement.ts';
import type { NodesTable } from './tables.ts';

/** A process that works on this database. */
export interface NodeRecord {
  id: string;
  host: string;
  pid: number;
  version: string;
  roles: string[];
  state: 'working' | 'draining';
  stats: NodeStats;
  startedAtMs: number;
  /** Counts up while it lives. */
  beat: number;
  beatAtMs: number;
}

/** What a node says of itself with each beat. */
export interface NodeStats {
  deliveriesInMemory: number;
  postsInFlight: number;
  mailInMemory: number;
}

/** What a node holds of the work that waits. */
export interface HeldWork {
  node: string;
  deliveries: number;
  /** Recipients of messages. */
  mail: number;
  /** Since when the first of it is due; null when nothing is due yet. */
  dueSinceMs: number | null;
}

export interface Nodes {
  register(node: NodeRecord): Promise<void>;
  /** Says that it lives. False when others have declared it dead: its leases are not its own. */
  beat(node: Pick<NodeRecord, 'id' | 'state' | 'stats' | 'beat' | 'beatAtMs'>): Promise<boolean>;
  list(): Promise<NodeRecord[]>;
  /**
   * Takes a node off the list if it has not beaten since `beat`, so that releaseOrphans gives its
   * leases to others. False when it has.
   */
  declareDead(node: Pick<NodeRecord, 'id' | 'beat'>): Promise<boolean>;
  /** Takes all nodes off the list. */
  clear(): Promise<void>;
  /** A node that ends by itself, having given everything back. */
  leave(id: string): Promise<void>;
  /** Takes a duty that nobody living has; true when it is this node's now. */
  takeDuty(name: string, node: string): Promise<boolean>;
  duties(): Promise<{ name: string; node: string | null }[]>;
  /** By node, those that hold nothing left out; also of nodes that are not on the list. */
  held(nowMs: number): Promise<HeldWork[]>;
}

export function createNodes(engine: Engine): Nodes {
  const { db } = engine;

  /** Whether the one row was there to be changed. */
  async function changed(...statements: ReturnType<typeof toStatement>[]): Promise<boolean> {
    try {
      await engine.commit({ events: [], statements });
      return true;
    } catch (error) {
      if (error instanceof StoreConflict) return false;
      throw error;
    }
  }

  return {
    async register(node) {
      const insert = db.insertInto('nodes').values(toRow(node));
      await engine.commit({ events: [], statements: [toStatement(insert, 1)] });
    },
    beat: ({ id, state, stats, beat, beatAtMs }) =>
      changed(
        toStatement(
          db
            .updateTable('nodes')
            .set({ state, stats: JSON.stringify(stats), beat, beat_at: beatAtMs })
            .where('id', '=', id),
          1,
        ),
      ),
    async list() {
      const rows = await db.selectFrom('nodes').selectAll().orderBy('id').execute();
      return rows.map(fromRow);
    },
    declareDead: ({ id, beat }) =>
      changed(toStatement(db.deleteFrom('nodes').where('id', '=', id).where('beat', '=', beat), 1)),
    async clear() {
      await changed(toStatement(db.deleteFrom('nodes')));
    },
    async leave(id) {
      await changed(toStatement(db.deleteFrom('nodes').where('id', '=', id)));
    },
    async takeDuty(name, node) {
      // Most who ask find that another node has it. A write that is refused would make everything that
      // shares its commit, hundreds of events, be written once more and one by one.
      const held = await db
        .selectFrom('duties')
        .innerJoin('nodes', 'nodes.id', 'duties.node')
        .select('nodes.id')
        .where('duties.name', '=', name)
        .where('duties.node', '!=', node)
        .executeTakeFirst();
      if (held !== undefined) return false;
      const make = db
        .insertInto('duties')
        .values({ name, node: null })
        .onConflict((conflict) => conflict.doNothing());
      const take = db
        .updateTable('duties')
        .set({ node })
        .where('name', '=', name)
        .where((eb) =>
          eb.or([
            eb('node', 'is', null),
            eb('node', '=', node),
            eb('node', 'not in', eb.selectFrom('nodes').select('id')),
          ]),
        );
      return changed(toStatement(make), toStatement(take, 1));
    },
    duties: () => db.selectFrom('duties').selectAll().orderBy('name').execute(),
    async held(nowMs) {
      const [deliveries, mail] = await Promise.all([
        heldIn(db, 'deliveries'),
        heldIn(db, 'transmissions'),
      ]);
      const byNode = new Map<string, HeldWork>();
      for (const [kind, rows] of [
        ['deliveries', deliveries],
        ['mail', mail],
      ] as const) {
        for (const { node, count, dueAt } of rows) {
          const one = byNode.get(node) ?? { node, deliveries: 0, mail: 0, dueSinceMs: null };
          one[kind] = count;
          if (dueAt !== null && dueAt <= nowMs) {
            one.dueSinceMs = Math.min(dueAt, one.dueSinceMs ?? dueAt);
          }
          byNode.set(node, one);
        }
      }
      return [...byNode.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
    },
  };
}

/** Along the index of what is leased: nodes hold some thousands of rows, whatever waits beside them. */
async function heldIn(db: Engine['db'], table: 'deliveries' | 'transmissions') {
  const rows = await db
    .selectFrom(table)
    .select((eb) => ['node', eb.fn.countAll().as('count'), eb.fn.min('due_at').as('due_at')])
    .where('node', 'is not', null)
    .groupBy('node')
    .execute();
  return rows.map(({ node, count, due_at: dueAt }) => {
    return {
      node: String(node),
      count: Number(count),
      dueAt: dueAt === null ? null : Number(dueAt),
    };
  });
}

function toRow(node: NodeRecord): NodesTable {
  return {
    id: node.id,
    host: node.host,
    pid: node.pid,
    version: node.version,
    roles: node.roles.join(','),
    state: node.state,
    stats: JSON.stringify(node.stats),
    started_at: node.startedAtMs,
    beat: node.beat,
    beat_at: node.beatAtMs,
  };
}

function fromRow(row: NodesTable): NodeRecord {
  return {
    id: row.id,
    host: row.host,
    pid: row.pid,
    version: row.version,
    roles: row.roles.split(','),
    state: row.state,
    stats: JSON.parse(row.stats),
    startedAtMs: row.started_at,
    beat: row.beat,
    beatAtMs: row.beat_at,
  };
}
