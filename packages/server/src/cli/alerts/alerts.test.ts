import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from '../fixtures/run-command.ts';
import { createFastClock } from '../whole/fixtures/fast-clock.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';

let server: InProcessServer;
before(async () => {
  // A minute of the watch takes two seconds.
  server = await startInProcessServer({}, { clock: createFastClock(30) });
});
after(() => server.stop());

const run = (args: string[]) =>
  runCommand(['alerts', ...args], {
    env: { XDG_CONFIG_HOME: '/nowhere', POSTHORN_API_KEY: API_KEY, POSTHORN_URL: server.httpUrl },
  });

async function done(args: string[]): Promise<string> {
  const { code, out, err } = await run(args);
  assert.equal(code, 0, err);
  return out.join('\n');
}

test('rules are taken over, listed and tried on the past', async () => {
  assert.match((await run(['rules'])).err, /Nothing is watched yet/);
  assert.match(await done(['defaults', '--email', 'ops@example.com']), /made {4}An endpoint fails/);
  assert.match(await done(['defaults']), /kept {4}An endpoint fails/);
  assert.match(await done(['rules', '--all']), /An endpoint fails +ok +0 +Fires when one endpoint/);
  assert.match(
    await done(['test', 'bounce rate over 5%', '--days', '3']),
    /^Would not have fired in the last 3 days\.$/,
  );
  const unknown = await run(['test', 'Bounce rate over 6%']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /Did you mean "Bounce rate over 5%"/);
});

async function firstAlert(): Promise<{ id: string }> {
  for (let i = 0; i < 1_800; i++) {
    const [found] = (await server.client.get('/v1/alerts?state=firing')).data;
    if (found !== undefined) return found;
    await delay(100);
  }
  assert.fail('not within three minutes');
}

test('what fires is listed, shown, snoozed and acknowledged', async () => {
  assert.match((await run(['list', '--state', 'resolved'])).err, /There is no such alert/);
  const { client } = server;
  const project = (await client.get('/v1/projects')).data[0];
  // A limit of nothing is used up from the start; the watch of a running server finds it at its first look.
  await client.patch(`/v1/projects/${project.id}`, { limits: { emails_per_day: 0 } });
  const alert = await firstAlert();
  assert.match(await done(['list']), /alt_\w+ +firing .*Sending limit/);
  assert.match(await done(['snooze', alert.id, '--for', '2h']), /^Snoozed until 20/);
  assert.match(await done(['show', alert.id]), /state +snoozed/);
  assert.match(await done(['snooze', alert.id, '--wake']), /^Awake: 100% of what may be sent/);
  assert.match(await done(['ack', alert.id]), /^Acknowledged by /);
  const shown = JSON.parse(await done(['show', alert.id, '--json']));
  assert.equal(shown.state, 'acknowledged');
  const refused = await run(['snooze', alert.id]);
  assert.match(refused.err, /--for: say for how long/);
});
