import { type ClientFlags, runClientCommand } from './api-client.ts';
import { type Cell, type Column, plain, renderColumns } from './columns.ts';

/** As `GET /v1/nodes` says it (http/api/nodes/node-routes.ts). */
export interface NodeView {
  id: string;
  host: string;
  pid: number;
  version: string;
  roles: string[];
  state: string;
  started_at: string;
  last_beat_at: string | null;
  leases: { deliveries: number; mail: number };
  lag_seconds: number;
  duties: string[];
}

/**
 * `posthorn nodes`: who works on the database, as a table, or with `json` as the server's answer on one
 * line. Resolves with the exit code.
 */
export function showNodes({ json, ...flags }: ClientFlags & { json: boolean }): Promise<number> {
  return runClientCommand(flags, async (client) => {
    const answer = await client.get<{ data: NodeView[] }>('/v1/nodes');
    const lines = json ? [JSON.stringify(answer)] : renderNodes(answer.data, screenWidth());
    process.stdout.write(`${lines.join('\n')}\n`);
    return 0;
  });
}

const screenWidth = (): number =>
  process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;

const COLUMNS: Record<string, Column> = {
  node: { minWidth: 12 },
  host: { minWidth: 8 },
  process: { minWidth: 7, align: 'right' },
  version: { minWidth: 7 },
  roles: { minWidth: 8 },
  state: { minWidth: 8 },
  started: { minWidth: 20 },
  'last beat': { minWidth: 20 },
  deliveries: { minWidth: 10, align: 'right' },
  mail: { minWidth: 4, align: 'right' },
  lag: { minWidth: 6, align: 'right' },
  duties: { minWidth: 8 },
};

export function renderNodes(nodes: readonly NodeView[], width: number): string[] {
  const heads = Object.keys(COLUMNS).map((text): Cell => ({ text }));
  const rows = nodes.map((node) =>
    [
      node.id,
      node.host,
      String(node.pid),
      node.version,
      node.roles.join(','),
      node.state,
      toSeconds(node.started_at),
      node.last_beat_at === null ? '-' : toSeconds(node.last_beat_at),
      String(node.leases.deliveries),
      String(node.leases.mail),
      `${node.lag_seconds.toFixed(1)}s`,
      node.duties.join(',') || '-',
    ].map((text): Cell => ({ text: plain(text) })),
  );
  return renderColumns([heads, ...rows], Object.values(COLUMNS), width);
}

/** `2026-11-21T16:00:00Z`: the clocks of several machines are not true to the millisecond. */
const toSeconds = (timestamp: string): string => timestamp.replace(/\.\d+/, '');
