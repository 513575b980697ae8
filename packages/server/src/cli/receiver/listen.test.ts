import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { verifyStandardWebhook } from '@posthorn/sdk';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';
import { type ListenInput, listen } from './listen.ts';
import { type LocalReceiver, startLocalReceiver } from './webhook/fixtures/local-receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-listen-'));
let server: InProcessServer;
let receiver: LocalReceiver;
before(async () => {
  server = await startInProcessServer();
  receiver = await startLocalReceiver();
});
after(async () => {
  await server.stop();
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One that runs until it is told to stop. */
function start(input: Partial<ListenInput> = {}) {
  const abort = new AbortController();
  const out: string[] = [];
  const err: string[] = [];
  const waiting: { fits: () => boolean; resolve: () => void }[] = [];
  const look = (): void => {
    for (const one of waiting) if (one.fits()) one.resolve();
  };
  let press: (text: string) => void = () => {};
  const ended = listen(
    {
      forward: receiver.url,
      dialect: 'standard',
      after: 'now',
      json: true,
      url: server.httpUrl,
      key: API_KEY,
      ...input,
    },
    {
      env: { XDG_CONFIG_HOME: folder },
      nowMs: () => Date.now(),
      async sleep() {
        await turn();
      },
      out(line) {
        out.push(line);
        look();
      },
      writeError(text) {
        err.push(text);
        look();
      },
      signal: abort.signal,
      quit: () => abort.abort(),
      onKeys(listener) {
        press = listener;
        return () => {};
      },
    },
  );
  const until = (fits: () => boolean): Promise<void> =>
    Promise.race([
      new Promise<void>((resolve) => {
        waiting.push({ fits, resolve });
        look();
      }),
      // Nothing more comes then.
      ended.then(() => assert.ok(fits(), err.join(''))),
    ]);
  return {
    out,
    err,
    ended,
    press: (text: string) => press(text),
    untilShown: (count: number) => until(() => out.length >= count),
    untilSaid: (text: string) => until(() => err.join('').includes(text)),
    async stop() {
      abort.abort();
      return ended;
    },
  };
}

let count = 0;
async function append(type = 'email.delivered'): Promise<string> {
  const { data } = await server.client.post('/v1/events', {
    type,
    timestamp: new Date(1_790_000_000_000 + count++).toISOString(),
    data: { recipient: 'jane@example.com', message: { id: `m${count}` } },
  });
  return data[0].id;
}

/** The place from which nothing that a test appends can be missed. */
const placeNow = async (): Promise<string> =>
  (await server.client.get('/v1/events?after=now&limit=1')).next_cursor;

test('hands events on as they come, signed with a secret that stays the same', async () => {
  const first = start({ after: await placeNow() });
  const id = await append('email.bounced');
  await first.untilShown(1);
  assert.equal(await first.stop(), 0);
  const secret = /verifies with (whsec_\S+)/.exec(first.err.join(''))?.[1] ?? '';
  const { headers, body } = receiver.received.at(-1) ?? assert.fail('nothing came');
  assert.equal(verifyStandardWebhook({ headers, body, secret }).event.id, id);
  const { latency_ms, ...shown } = JSON.parse(first.out[0] ?? '');
  assert.equal(typeof latency_ms, 'number');
  assert.deepEqual(shown, {
    number: 1,
    event_id: id,
    type: 'email.bounced',
    recipient: 'jane@example.com',
    replay: false,
    status: 204,
    error: null,
  });
  const file = join(folder, 'posthorn', 'listen-secret');
  assert.equal(readFileSync(file, 'utf8').trim(), secret);
  assert.equal(statSync(file).mode & 0o077, 0);

  const second = start();
  await second.untilSaid('verifies with');
  await second.stop();
  assert.ok(second.err.join('').includes(secret));
});

test('keys send the latest, or one by its number, again', async () => {
  const running = start({ after: await placeNow() });
  running.press('r');
  await running.untilSaid('Nothing has come yet');
  const ids = [await append(), await append()];
  await running.untilShown(2);
  running.press('r');
  await running.untilShown(3);
  running.press('1\r');
  await running.untilShown(4);
  running.press('9\r');
  await running.untilSaid('There is no event #9');
  running.press('?');
  await running.untilSaid('r: the latest again');
  running.press('q');
  assert.equal(await running.ended, 0);
  const shown = running.out.map((line) => JSON.parse(line));
  assert.deepEqual(
    shown.map(({ event_id, replay }) => [event_id, replay]),
    [
      [ids[0], false],
      [ids[1], false],
      [ids[1], true],
      [ids[0], true],
    ],
  );
});

test('shows what the receiver answered, and goes on', async () => {
  receiver.answerWith(500);
  const running = start({ after: await placeNow(), json: false, type: 'email.*' });
  await append();
  await running.untilShown(1);
  receiver.answerWith(204);
  await append();
  await running.untilShown(2);
  await running.stop();
  const line = /^\d\d:\d\d:\d\d #1 email\.delivered jane@example\.com evt_\w+ -> 500 in \d+ ms$/;
  assert.match(running.out[0] ?? '', line);
  assert.match(running.out[1] ?? '', / -> 204 in /);
});

test('a receiver that is not there is no reason to end', async () => {
  const running = start({ after: await placeNow(), forward: 'http://127.0.0.1:1/hook' });
  await append();
  await running.untilShown(1);
  await running.stop();
  const { status, error } = JSON.parse(running.out[0] ?? '');
  assert.equal(status, null);
  assert.match(error, /ECONNREFUSED/);
});

test('goes on where it was when the connection breaks, and misses and repeats nothing', async () => {
  const link = await startLink(server.httpUrl);
  const running = start({ url: link.url });
  const ids: string[] = [];
  await link.untilStreaming();
  for (let i = 0; i < 4; i++) {
    link.cut();
    ids.push(await append());
  }
  await running.untilShown(4);
  await running.stop();
  await link.close();
  assert.deepEqual(
    running.out.map((line) => JSON.parse(line).event_id),
    ids,
  );
  assert.match(running.err.join(''), /The connection is gone .*Connected again/s);
});

test('--replay sends events by id, or the last so many, and ends', async () => {
  const ids = [await append(), await append(), await append()];
  const last = start({ replay: ['last', '2'] });
  assert.equal(await last.ended, 0);
  const shown = last.out.map((line) => JSON.parse(line));
  assert.deepEqual(
    shown.map(({ event_id, replay, status }) => [event_id, replay, status]),
    [
      [ids[1], true, 204],
      [ids[2], true, 204],
    ],
  );
  const chosen = start({ replay: [ids[0] ?? ''] });
  assert.equal(await chosen.ended, 0);
  assert.equal(JSON.parse(chosen.out[0] ?? '').event_id, ids[0]);
  receiver.answerWith(500);
  assert.equal(await start({ replay: ['last'] }).ended, 1);
  receiver.answerWith(204);
});

test('a dialect without a word for an event says so', async () => {
  const running = start({ after: await placeNow(), dialect: 'sendarix', secret: 's3cret' });
  await append('domain.dns_error');
  await append('email.delivered');
  await running.untilShown(2);
  await running.stop();
  assert.match(JSON.parse(running.out[0] ?? '').error, /sendarix has no word for it/);
  assert.equal(JSON.parse(running.out[1] ?? '').status, 204);
  assert.ok(!running.err.join('').includes('s3cret'));
});

test('misuse ends with 2, a refusal of the server with 1', async () => {
  const cases: [Partial<ListenInput>, number, RegExp][] = [
    [{ forward: 'localhost:3000' }, 2, /--forward: "localhost:3000" is not a URL/],
    [{ dialect: 'sendgird' }, 2, /Did you mean "sendgrid"/],
    [{ replay: ['last', 'many'] }, 2, /last takes a number/],
    [{ replay: ['evt_none'] }, 1, /no event evt_none/],
    [{ key: 'phk_wrong' }, 1, /401 wrong_key/],
    [{ after: 'somewhere' }, 1, /invalid_cursor/],
  ];
  for (const [input, wanted, message] of cases) {
    const running = start(input);
    assert.equal(await running.ended, wanted);
    assert.match(running.err.join(''), message);
  }
});

/** A way to the server that can be cut. */
async function startLink(target: string) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let streaming: () => void = () => {};
  const isStreaming = new Promise<void>((resolve) => {
    streaming = resolve;
  });
  const link = createTcpServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        if (from === far && chunk.includes('text/event-stream')) streaming();
        to.write(chunk);
      });
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
    untilStreaming: () => isStreaming,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    close: () => new Promise((resolve) => link.close(resolve)),
  };
}
