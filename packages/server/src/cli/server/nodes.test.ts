import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pc from 'picocolors';
import { renderTable } from '../output/table.ts';
import { runPosthorn, startPosthornProcess } from '../whole/fixtures/posthorn-process.ts';
import { NODE_COLUMNS, type NodeView } from './nodes.ts';

const NODE: NodeView = {
  id: 'node_01',
  host: 'mail-1.example.com',
  pid: 42,
  version: '0.1.0',
  roles: ['api', 'dispatch'],
  state: 'working',
  started_at: '2026-11-21T16:00:00.123Z',
  last_beat_at: '2026-11-21T16:00:09.456Z',
  leases: { deliveries: 12, mail: 3 },
  lag_seconds: 1.25,
  duties: ['alerts', 'retention'],
};

const colors = pc.createColors(false);
const renderNodes = (rows: NodeView[], width: number): string[] =>
  renderTable(rows, NODE_COLUMNS, { width, colors, hasHead: true });

test('a node is a row, and gives way to the width of the screen', () => {
  const other = { ...NODE, host: 'evil\u001b[2J', last_beat_at: null, duties: [] };
  const [head = '', first = '', second = ''] = renderNodes([NODE, other], 500);
  assert.match(head, /^node\s+host\s+process\s+version .* deliveries\s+mail\s+lag\s+duties$/);
  assert.match(first, /^node_01\s+mail-1\.example\.com\s+42 .*16:00:00Z\s+2026-11-21 16:00:09Z/);
  assert.match(first, / 12\s+3\s+1\.3s\s+alerts,retention$/);
  assert.match(second, /evil \[2J .* -\s+12\s+3\s+1\.3s\s+-$/);
  for (const line of renderNodes([NODE], 100)) assert.ok(line.length <= 100, line);
});

test('asks a running server', async () => {
  const data = await mkdtemp(join(tmpdir(), 'posthorn-nodes-command-'));
  const server = await startPosthornProcess({ data, 'api-key': 'phk_of-the-operator' });
  const run = async (...args: string[]) => {
    const command = runPosthorn(['nodes', '--url', server.httpUrl, ...args]);
    const code = await command.ended;
    return { code, stdout: command.stdout(), stderr: command.stderr() };
  };
  try {
    const asJson = await run('--json', '--key', 'phk_of-the-operator');
    const node = JSON.parse(asJson.stdout);
    assert.equal(node.pid, server.child.pid);
    const table = await run('--key', 'phk_of-the-operator');
    assert.match(table.stdout, new RegExp(`\n${node.id} .* ${node.pid} `));
    const wrong = await run('--key', 'phk_wrong');
    assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
    assert.match(
      wrong.stderr,
      /^posthorn: No project has this API key\..*\(401 wrong_key\) "posthorn login" saves a key that is right\.\n$/,
    );
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
    await rm(data, { recursive: true, force: true });
  }
});
