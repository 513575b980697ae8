import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RunOptions, runCommand } from '../fixtures/run-command.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';
import { parseCounters, type Snapshot } from './read-snapshot.ts';
import { ratesOf } from './render-top.ts';

let server: InProcessServer;
before(async () => {
  server = await startInProcessServer({ webhookRetryLadder: '1h' });
  await server.client.post('/v1/endpoints', { url: 'http://127.0.0.1:9/hook', uid: 'gone' });
  await server.client.post('/v1/events', {
    type: 'email.delivered',
    timestamp: '2026-11-21T00:00:00Z',
    data: { recipient: 'jane@example.com', message: { id: 'm1' } },
  });
});
after(() => server.stop());

const run = (args: string[], options: RunOptions = {}, url = server.httpUrl) =>
  runCommand(['top', ...args], {
    env: { XDG_CONFIG_HOME: '/nowhere', POSTHORN_API_KEY: API_KEY, POSTHORN_URL: url },
    ...options,
  });

test('--once prints rates, what waits and the nodes, in 80 columns', async () => {
  const { code, out, err } = await run(['--once'], { columns: 80 });
  assert.equal(code, 0, err);
  const text = out.join('\n');
  assert.match(text, /messages \d+\.\d\/s {3}events \d+\.\d\/s {3}posts \d/);
  assert.match(text, /waiting {2}\d+ {3}lag \d+\.\d s/);
  assert.match(text, /node +state +deliveries +mail +lag\n.* working /);
  for (const line of out) assert.ok(line.length <= 80, line);
  const json = await run(['--once', '--json']);
  const look = JSON.parse(json.out.join(''));
  assert.ok(look.counters.events >= 1);
  assert.equal(typeof look.rates.events, 'number');
});

test('draws until q, and leaves the terminal as it was', async () => {
  let drawn = '';
  let press: (text: string) => void = () => {};
  let listens = false;
  const { code } = await run([], {
    terminal: {
      size: () => ({ rows: 12, columns: 60 }),
      write(text) {
        drawn += text;
        // After the second picture.
        if (drawn.split('q ends').length > 2) press('q');
      },
      onKeys(listener) {
        press = listener;
        listens = true;
        return () => {
          listens = false;
        };
      },
    },
  });
  assert.deepEqual([code, listens], [0, false]);
  assert.ok(drawn.startsWith('\u001b[?1049h') && drawn.endsWith('\u001b[?1049l'));
  const [, picture = ''] = drawn.split('\u001b[H');
  const lines = picture.split('\r\n').map((line) => line.replace(/\u001b\[\S/g, ''));
  assert.ok(lines.length <= 12, String(lines.length));
  for (const line of lines) assert.ok(line.length <= 60, line);
});

test('misuse, a wrong key and silence are said before anything is drawn', async () => {
  const cases: [string[], string, number, RegExp][] = [
    [[], server.httpUrl, 2, /no terminal to draw on: give --once/],
    [['--once', '--every', '1ms'], server.httpUrl, 2, /--every: "1ms" is no duration/],
    [['--once', '--key', 'phk_wrong'], server.httpUrl, 1, /wrong_key/],
    [['--once'], 'http://127.0.0.1:9', 3, /cannot be reached/],
  ];
  for (const [args, url, wanted, message] of cases) {
    const { code, out, err } = await run(args, {}, url);
    assert.deepEqual([code, out], [wanted, []]);
    assert.match(err, message);
  }
});

test('rates need two looks at one process', () => {
  const look = (atMs: number, events: number, posts: number): Snapshot => ({
    atMs,
    queue: { depth: 0, at_least: false, lag_seconds: 0, data: [] },
    troubled: [],
    nodes: null,
    counters: { messages: 0, events, posts, failedPosts: 0 },
  });
  assert.deepEqual(ratesOf(look(0, 100, 10), look(2_000, 300, 10)), {
    messages: 0,
    events: 100,
    posts: 0,
    failedPosts: 0,
  });
  assert.equal(ratesOf(null, look(0, 1, 1)), null);
  assert.equal(ratesOf(look(0, 100, 10), look(2_000, 3, 1)), null);
  assert.equal(ratesOf({ ...look(0, 1, 1), counters: null }, look(1, 2, 2)), null);
  assert.equal(parseCounters('<html>'), null);
  const text = [
    '# TYPE posthorn_webhook_attempts_total counter',
    'posthorn_webhook_attempts_total{outcome="succeeded",error_code=""} 5',
    'posthorn_webhook_attempts_total{outcome="failed",error_code="timeout"} 2',
    'posthorn_events_appended_total{type="email.sent"} 3',
    'posthorn_events_appended_total{type="email.bounced"} NaN',
  ].join('\n');
  assert.deepEqual(parseCounters(text), { messages: 0, events: 3, posts: 7, failedPosts: 2 });
});
