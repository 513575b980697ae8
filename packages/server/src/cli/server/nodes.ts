import { plain } from '../output/columns.ts';
import { type TableColumn, toShortTime } from '../output/table.ts';
import { defineCommand } from '../program/command-spec.ts';

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

export const nodes = defineCommand<object>({
  name: 'nodes',
  summary: 'Show who works on the database of a running server.',
  examples: ['posthorn nodes'],
  async run({ client, print }) {
    const { data } = await client.get<{ data: NodeView[] }>('/v1/nodes');
    print.rows(data, NODE_COLUMNS, true);
    return 0;
  },
});

const list = (words: readonly string[]): string => plain(words.join(',')) || '-';

export const NODE_COLUMNS: readonly TableColumn<NodeView>[] = [
  { head: 'node', minWidth: 8, text: ({ id }) => id },
  { head: 'host', minWidth: 6, text: ({ host }) => host },
  { head: 'process', align: 'right', text: ({ pid }) => pid },
  { head: 'version', minWidth: 5, text: ({ version }) => version },
  { head: 'roles', minWidth: 5, text: ({ roles }) => list(roles) },
  { head: 'state', minWidth: 5, text: ({ state }) => state },
  { head: 'started', minWidth: 5, text: ({ started_at }) => toShortTime(started_at) },
  {
    head: 'last beat',
    minWidth: 4,
    text: ({ last_beat_at }) => (last_beat_at === null ? null : toShortTime(last_beat_at)),
  },
  { head: 'deliveries', minWidth: 3, align: 'right', text: ({ leases }) => leases.deliveries },
  { head: 'mail', align: 'right', text: ({ leases }) => leases.mail },
  { head: 'lag', align: 'right', text: ({ lag_seconds }) => `${lag_seconds.toFixed(1)}s` },
  { head: 'duties', minWidth: 4, text: ({ duties }) => list(duties) },
];
