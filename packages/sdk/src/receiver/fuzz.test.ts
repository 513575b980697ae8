import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EVENT_TYPES } from '../event.ts';
import { createMemoryInbox } from '../inbox/memory.ts';
import { parseLosslessJson } from '../lossless-json.ts';
import {
  createGenuineRequests,
  type GenuineRequest,
} from '../providers/fixtures/genuine-requests.ts';
import {
  countNodes,
  dropProperty,
  reorder,
  replaceNode,
} from '../providers/fixtures/mutate-json.ts';
import type { ProviderRequest } from '../providers/provider.ts';
import { createReceiver } from './receiver.ts';
import type { WebhookAnswer } from './webhook.ts';

/** Counts as the sender's for every provider, so that broken bodies get past the signature. */
const DOOR = { secret: 'header:x-fuzz:open', name: 'x-fuzz', value: 'open' };

/** A receiver that also checks every event that it would keep. */
function setUp({ provider, secrets, nowMs, request }: GenuineRequest) {
  const inbox = createMemoryInbox();
  const receiver = createReceiver({
    provider,
    secrets: [...secrets, DOOR.secret],
    url: request.url,
    clock: { now: () => nowMs, after: () => () => {} },
    handlers: {},
    inbox: {
      ...inbox,
      put: async (batch) => {
        for (const entry of batch.entries) {
          const event = JSON.parse(entry.event);
          assert.ok(EVENT_TYPES.includes(event.type) && /^evt_\w+$/.test(event.id), entry.event);
          assert.doesNotThrow(() => parseLosslessJson(entry.event));
        }
        return inbox.put(batch);
      },
    },
    fetch: async () => new Response(''),
    fetchKey: async () => 'no key',
  });
  const send = (changed: Partial<ProviderRequest>): Promise<WebhookAnswer> => {
    const { body, ...rest } = { ...request, ...changed };
    return receiver.handle({ ...rest, readBody: async () => body });
  };
  const open = { ...request.headers, [DOOR.name]: DOOR.value };
  /** Both as somebody without the secret would send it, and as the provider itself. */
  const isSafe = async (body: string | Uint8Array, more: Partial<ProviderRequest> = {}) => {
    for (const headers of [request.headers, open]) {
      const { status } = await send({ headers, ...more, body: Buffer.from(body) });
      assert.ok(status < 500, `${status} to ${Buffer.from(body).toString().slice(0, 300)}`);
    }
  };
  return { send, isSafe, open };
}

function jsonOf(request: ProviderRequest): unknown {
  try {
    return JSON.parse(Buffer.from(request.body).toString());
  } catch {
    return null;
  }
}

for (const genuine of createGenuineRequests()) {
  const { provider, request, events } = genuine;
  describe(`the receiver of ${provider.title}`, () => {
    test('takes what is genuine, and knows it when it comes again', async () => {
      const { send } = setUp(genuine);
      assert.deepEqual(JSON.parse((await send({})).body), { received: events, duplicate: 0 });
      assert.deepEqual(JSON.parse((await send({})).body), { received: 0, duplicate: events });
      const { status } = await send({ headers: {} });
      const inBody = ['mailgun', 'ses', 'unisender'].includes(provider.name);
      assert.equal(status, inBody ? 200 : 401);
    });

    test('survives bytes of any kind, before, behind and instead of what is genuine', async () => {
      const { isSafe } = setUp(genuine);
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(), async (noise, at) => {
          const cut = at % (request.body.length + 1);
          const [head, tail] = [request.body.subarray(0, cut), request.body.subarray(cut)];
          await isSafe(noise);
          await isSafe(head);
          await isSafe(Buffer.concat([head, noise, tail]));
        }),
        { numRuns: 40 },
      );
    });

    test('survives values of any kind in every place, and any order of keys', async () => {
      const { isSafe, send, open } = setUp(genuine);
      const json = jsonOf(request) ?? { event: 'a', list: [{}] };
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.nat(), async (where, what) => {
          const place = where % countNodes(json);
          await isSafe(replaceNode(json, place, what));
          await isSafe(JSON.stringify(dropProperty(json, place)));
        }),
        { numRuns: 60 },
      );
      if (jsonOf(request) === null) return;
      const body = Buffer.from(JSON.stringify(reorder(json)));
      const { received, duplicate } = JSON.parse((await send({ headers: open, body })).body);
      assert.equal(received + duplicate, events);
    });

    test('survives depth, size, huge numbers and forms that are none', async () => {
      const { isSafe } = setUp(genuine);
      const number = '9'.repeat(5_000);
      for (const body of [
        '',
        '['.repeat(100_000),
        `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
        `[${'{},'.repeat(20_000)}{}]`,
        `{"event":"delivered","timestamp":${number},"email":${number}}`,
        '{"timestamp":1e400,"event":-1e-400}',
        '\ufeff{"event":"open"}',
        'a=%zz&b=%00&=&&mandrill_events=%5B',
        `--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--`,
      ]) {
        await isSafe(body);
        const form = { ...request.headers, [DOOR.name]: DOOR.value };
        for (const type of [
          'application/x-www-form-urlencoded',
          'multipart/form-data; boundary=x',
        ]) {
          await isSafe(body, { headers: { ...form, 'content-type': type } });
        }
      }
    });

    test('survives headers, methods and URLs of any kind', async () => {
      const { isSafe, open } = setUp(genuine);
      const text = fc.string({ unit: 'binary', maxLength: 80 });
      const names = Object.keys(request.headers);
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...names, 'webhook-request-origin', 'ce-type', 'ce-specversion'),
          text,
          fc.constantFrom('POST', 'GET', 'HEAD', 'OPTIONS'),
          text,
          async (name, value, method, url) => {
            const headers = { ...open, [name]: value };
            await isSafe(request.body, { method, headers, url });
            await isSafe(request.body, { method, headers: { ...request.headers, [name]: value } });
          },
        ),
        { numRuns: 40 },
      );
    });
  });
}
