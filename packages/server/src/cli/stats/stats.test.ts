import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runCommand } from '../fixtures/run-command.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';
import { sparkline } from './sparkline.ts';

let server: InProcessServer;
before(async () => {
  server = await startInProcessServer();
});
after(() => server.stop());

const run = (args: string[]) =>
  runCommand(['stats', ...args], {
    env: { POSTHORN_API_KEY: API_KEY, POSTHORN_URL: server.httpUrl },
  });

test('a line is as wide as it may be, and shows what is not zero', () => {
  assert.equal(sparkline([0, 1, 50, 100], 10), '▁▂▅█');
  assert.equal(sparkline([1, 1, 2, 2, 0], 3), '▅█▁');
  assert.equal(sparkline([], 3), '');
});

test('the numbers of a server are shown, as JSON too, and counted anew', async () => {
  const shown = await run(['--group-by', 'tag']);
  assert.equal(shown.code, 0, shown.err);
  assert.match(
    shown.out.join('\n'),
    /by hour \(UTC\)\nwhat +total +before +over time\ndelivered +0 /,
  );
  const json = await run(['--since', '2h', '--json']);
  assert.equal(JSON.parse(json.out.join('')).interval, 'minute');
  const refused = await run(['--tag', 'a', '--provider', 'b']);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /leave out tag or provider/);
  const rebuilt = await run(['--rebuild']);
  assert.match(rebuilt.out.join(''), /is being counted anew/);
});
