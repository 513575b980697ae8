import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type EndpointFarm, startEndpointFarm } from '../fixtures/endpoint-farm.ts';
import { makeEvents } from '../fixtures/make-events.ts';
import {
  killPosthornProcesses,
  type ReadyProcess,
  startPosthornProcess,
} from '../fixtures/posthorn-process.ts';
import { createTestClient, type Json, readList, type TestClient } from '../fixtures/test-client.ts';

/**
 * crash.test.ts kills at random; here each step between the request and the stored attempt is met on
 * purpose. A process that is stopped (SIGSTOP) does nothing more, and the system still takes for it
 * what is sent: so a post is answered, and never learns of it.
 */

const API_KEY = 'phk_crash-steps';
const EVENTS = 20;

after(killPosthornProcesses);

/** What a step has at hand: an endpoint of its own, at the path `name`. */
interface Scene {
  name: string;
  farm: EndpointFarm;
  running: ReadyProcess;
  client: TestClient;
  endpointId: string;
  /** Posts events for this endpoint alone; what was acknowledged is noted. */
  send(): Promise<void>;
  /** Resolves once the list of this endpoint's deliveries fits. */
  untilDeliveries(fits: (rows: Json[]) => boolean): Promise<void>;
}

interface Step {
  name: string;
  /** Of the endpoint. */
  settings?: { [field: string]: unknown; order?: string };
  /** Posts that an endpoint may get twice: those whose answers were lost. Usually none. */
  repeats?: number;
  /** Events that nobody has answered for: they are stored whole, or not at all. */
  isUnanswered?: boolean;
  /** Goes as far as the moment of the kill. */
  reach(scene: Scene): Promise<void>;
}

const STEPS: readonly Step[] = [
  {
    name: 'the request is on its way',
    isUnanswered: true,
    async reach({ running, send }) {
      running.child.kill('SIGSTOP');
      send().catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
    },
  },
  {
    name: 'the request is being worked on',
    isUnanswered: true,
    repeats: EVENTS,
    async reach({ farm, send }) {
      farm.answer = () => null;
      const sent = send().catch(() => {});
      await Promise.race([sent, farm.until('the first post', () => farm.posts.length > 0)]);
    },
  },
  {
    name: 'the events are acknowledged',
    repeats: EVENTS,
    reach: ({ send }) => send(),
  },
  {
    name: 'the posts are under way',
    settings: { concurrency: 3 },
    async reach({ farm, send, name }) {
      farm.answer = () => null;
      await send();
      await untilPosted(farm, name, 3);
    },
  },
  {
    name: 'the posts are answered, and nobody has read the answers',
    settings: { concurrency: 3 },
    repeats: 3,
    async reach({ farm, send, name, running }) {
      farm.answer = () => {
        running.child.kill('SIGSTOP');
        return 204;
      };
      await send();
      await farm.until('an answer is there', () => farm.taken(name).length > 0);
    },
  },
  {
    name: 'the attempts are stored',
    async reach({ send, untilDeliveries }) {
      await send();
      await untilDeliveries((rows) => rows.every(({ state }) => state === 'delivered'));
    },
  },
  {
    name: 'failed attempts are stored, and wait for the next',
    settings: { retry_ladder: ['1s'] },
    async reach({ farm, send, untilDeliveries }) {
      const failing = new Set<string>();
      farm.answer = ({ eventIds: [id = ''] }) => {
        if (failing.size < 3) failing.add(id);
        return failing.has(id) ? 503 : 204;
      };
      await send();
      // The others are stored too: nothing may come twice.
      await untilDeliveries(
        (rows) =>
          rows.filter(({ last_status }) => last_status === 503).length === 3 &&
          rows.filter(({ state }) => state === 'delivered').length === EVENTS - 3,
      );
    },
  },
  {
    name: 'the breaker is open',
    async reach({ farm, send, untilDeliveries }) {
      farm.answer = () => 503;
      await send();
      await untilDeliveries(
        (rows) => rows.filter(({ attempt_count }) => attempt_count > 0).length >= 10,
      );
    },
  },
  {
    name: 'a line stands behind a post',
    settings: { order: 'per-endpoint' },
    // The next one goes when an answer is there, before its result is stored.
    repeats: 5,
    async reach({ farm, send, name }) {
      farm.answer = () => (farm.taken(name).length < 5 ? 204 : null);
      await send();
      await untilPosted(farm, name, 6);
    },
  },
  {
    name: 'a batch waits for company',
    settings: { batch: { max_events: 100, max_wait: '30s' } },
    // While the claims of the start before hold the memory, it comes back from the store and goes at once.
    repeats: EVENTS,
    reach: ({ send }) => send(),
  },
  {
    name: 'a batch is answered, and nobody has read the answer',
    settings: { batch: { max_events: EVENTS, max_wait: '5s' } },
    repeats: EVENTS,
    async reach({ farm, send, name, running }) {
      farm.answer = () => {
        running.child.kill('SIGSTOP');
        return 204;
      };
      await send();
      await farm.until('an answer is there', () => farm.taken(name).length > 0);
    },
  },
];

function untilPosted(farm: EndpointFarm, name: string, posts: number): Promise<void> {
  const isThere = (): boolean => farm.posts.filter((post) => post.name === name).length >= posts;
  return farm.until(`${posts} posts are there`, isThere);
}

test('killed at any step, it loses nothing, repeats only what was under way, and keeps order', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-crash-steps-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const farm = await startEndpointFarm(t);
  const settings = {
    data: folder,
    'api-key': API_KEY,
    'webhook-retry-ladder': Array(20).fill('200ms').join(','),
  };
  let running = await startPosthornProcess(settings);
  for (const [i, step] of STEPS.entries()) {
    await t.test(step.name, async () => {
      const acknowledged: string[] = [];
      const before = await setScene(`step-${i}`, step, { farm, running, acknowledged });
      await step.reach(before);
      running.child.kill('SIGKILL');
      assert.equal(await running.ended, 'SIGKILL');

      farm.answer = () => 204;
      running = await startPosthornProcess(settings);
      const client = createTestClient(running.httpUrl, API_KEY);
      await check(step, { ...before, running, client }, acknowledged);
    });
  }
  running.child.kill('SIGTERM');
  assert.equal(await running.ended, 0);
});

async function setScene(
  name: string,
  { settings }: Step,
  { farm, running, acknowledged }: Pick<Scene, 'farm' | 'running'> & { acknowledged: string[] },
): Promise<Scene> {
  const client = createTestClient(running.httpUrl, API_KEY);
  const endpoint = { url: farm.url(name), filter: { tag: [name] }, ...settings };
  const { id: endpointId } = await client.post('/v1/endpoints', endpoint);
  const scene = { name, farm, running, client, endpointId };
  return {
    ...scene,
    async send() {
      const { data } = await client.post('/v1/events', makeEvents(EVENTS, { tags: [name] }));
      for (const { id } of data) acknowledged.push(id);
    },
    untilDeliveries: (fits) => untilDeliveries(scene, fits),
  };
}

async function untilDeliveries(
  { client, endpointId }: Pick<Scene, 'client' | 'endpointId'>,
  fits: (rows: Json[]) => boolean,
): Promise<void> {
  const path = `/v1/deliveries?endpoint_id=${endpointId}`;
  for (;;) if (fits(await readList(client, path))) return;
}

/** What was acknowledged is in the log; what is in the log has arrived, and is delivered. */
async function check(step: Step, scene: Scene, acknowledged: readonly string[]): Promise<void> {
  const { name, farm, client } = scene;
  const log = await readList(client, '/v1/events');
  const stored = log.filter(({ data }) => data.tags?.includes(name)).map(({ id }) => id);
  stored.sort();
  if (step.isUnanswered === true) assert.ok([0, EVENTS].includes(stored.length), 'all or nothing');
  else assert.deepEqual(stored, [...acknowledged].sort());
  const isTaken = (id: string): boolean => farm.taken(name).includes(id);
  await farm.until('everything has arrived', () => stored.every(isTaken));
  await untilDeliveries(scene, (rows) => rows.every(({ state }) => state === 'delivered'));

  const taken = farm.taken(name);
  const firsts = [...new Set(taken)];
  const inOrder = step.settings?.order === undefined ? [...firsts].sort() : firsts;
  assert.deepEqual(inOrder, stored);
  const repeats = taken.length - firsts.length;
  assert.ok(repeats <= (step.repeats ?? 0), `${repeats} came twice`);
}
