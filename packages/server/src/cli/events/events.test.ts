import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type RunOptions, runCommand } from '../fixtures/run-command.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';

let server: InProcessServer;
before(async () => {
  server = await startInProcessServer();
});
after(() => server.stop());

const run = (args: string[], options: RunOptions = {}, url = server.httpUrl) =>
  runCommand(args, {
    env: { XDG_CONFIG_HOME: '/nowhere', POSTHORN_API_KEY: API_KEY, POSTHORN_URL: url },
    ...options,
  });

let count = 0;
async function append(type = 'email.delivered'): Promise<string> {
  count += 1;
  const { data } = await server.client.post('/v1/events', {
    type,
    timestamp: new Date(1_790_000_000_000 + count).toISOString(),
    data: { recipient: 'jane@example.com', message: { id: `m${count}` } },
  });
  return data[0].id;
}

test('lists and shows events', async () => {
  const ids = [await append('email.bounced'), await append()];
  const table = await run(['events', 'list'], { columns: 80 });
  assert.match(table.out[0] ?? '', /^event +time +type +recipient$/);
  assert.match(table.out[1] ?? '', new RegExp(`^${ids[1]} .* email\\.delivered +jane@e`));
  for (const line of table.out) assert.ok(line.length <= 80, line);
  const bounced = await run(['events', 'list', '--type', 'email.bounced', '--json']);
  assert.deepEqual(
    bounced.out.map((line) => JSON.parse(line).id),
    [ids[0]],
  );
  const shown = await run(['events', 'show', ids[0] ?? '']);
  assert.equal(JSON.parse(shown.out.join('\n')).id, ids[0]);
  const wrong = await run(['events', 'list', '--type', 'email.bouncd']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /Did you mean "email\.bounced"/);
});

test('tail shows each event once, whatever becomes of the connection', async () => {
  const start = (await server.client.get('/v1/events?after=now&limit=1')).next_cursor;
  const link = await startLink(server.httpUrl);
  const ids: string[] = [];
  const seen: string[] = [];
  const tail = run(
    ['events', 'tail', '--after', start, '--count', '5', '--json'],
    {
      onLine(line) {
        seen.push(JSON.parse(line).id);
        link.cut();
      },
    },
    link.url,
  );
  for (let i = 0; i < 5; i++) ids.push(await append());
  const { code, err } = await tail;
  await link.close();
  assert.equal(code, 0, err);
  assert.deepEqual(seen, ids);
  assert.match(err, /The connection is gone .*Connected again; nothing was missed\.\n/s);
});

test('tail has filters and lines for people, and ends at Ctrl-C', async () => {
  const start = (await server.client.get('/v1/events?after=now&limit=1')).next_cursor;
  await append();
  const wanted = await append('email.bounced');
  const interrupt = new AbortController();
  const { code, out } = await run(['events', 'tail', '--after', start, '--type', 'email.bounced'], {
    signal: interrupt.signal,
    onLine: () => interrupt.abort(),
  });
  assert.equal(code, 0);
  assert.match(
    out.join('\n'),
    new RegExp(`^\\S+ {2}email\\.bounced {2}jane@example\\.com {2}${wanted}`),
  );
});

test('tail ends where trying again would not help', async () => {
  const place = await run(['events', 'tail', '--after', 'somewhere']);
  assert.equal(place.code, 1);
  assert.match(place.err, /invalid_cursor/);
  const key = await run(['events', 'tail', '--key', 'phk_wrong', '--json']);
  assert.equal(key.code, 1);
  assert.equal(JSON.parse(key.err).code, 'wrong_key');
  assert.ok(!key.err.includes('phk_wrong'));
  const nobody = await run(['events', 'tail'], {}, 'http://127.0.0.1:9');
  assert.equal(nobody.code, 3);
});

/** A way to the server that can be cut. */
async function startLink(target: string) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const link = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => link.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(link.address() as AddressInfo).port}`,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close: () => new Promise((resolve) => link.close(resolve)),
  };
}
