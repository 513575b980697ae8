import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandResult, type RunOptions, runCommand } from '../fixtures/run-command.ts';
import {
  type LocalReceiver,
  startLocalReceiver,
} from '../receiver/webhook/fixtures/local-receiver.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';

let server: InProcessServer;
let receiver: LocalReceiver;
before(async () => {
  server = await startInProcessServer();
  receiver = await startLocalReceiver();
});
after(async () => {
  await server.stop();
  await receiver.close();
});

function run(args: string[], options: RunOptions = {}): Promise<CommandResult> {
  const env = { XDG_CONFIG_HOME: '/nowhere', POSTHORN_API_KEY: API_KEY };
  return runCommand(['sinks', ...args], {
    env: { ...env, POSTHORN_URL: server.httpUrl },
    sleep: (ms) => delay(Math.min(ms, 20)),
    ...options,
  });
}

async function done(args: string[], options: RunOptions = {}): Promise<string> {
  const { code, out, err } = await run(args, options);
  assert.equal(code, 0, err);
  return out.join('\n');
}

const show = async (name: string) => JSON.parse(await done(['show', name, '--json']));

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 3_000; i++) {
    if (await holds()) return;
    await delay(20);
  }
  assert.fail(`not within a minute: ${what}`);
}

const append = (count: number) =>
  server.client.post(
    '/v1/events',
    Array.from({ length: count }, () => ({
      type: 'email.bounced',
      timestamp: new Date().toISOString(),
      data: { provider_event_id: randomUUID(), recipient: 'mila@example.com' },
    })),
  );

test('a sink from its beginning to its end', async () => {
  const created = await done(
    [
      ...['create', 'http', '--name', 'CRM', '--type', 'email.*', '--set', `url=${receiver.url}`],
      ...['--set', 'headers.Authorization=@-', '--set', 'batch=7', '--transformation', '-'],
    ],
    { input: '"Bearer hidden"' },
  );
  assert.match(created, /^batch +7\nheaders +yes$/m);
  assert.match(created, /^made by +"Bearer hidden"$/m);
  assert.match(created, /Try it: posthorn sinks test snk_\w+$/);
  assert.match(await done(['test', 'crm']), /^CRM took it, in \d+ ms\.$/);
  const changed = await done(['update', 'crm', '--set', 'batch=', '--fields', '-'], {
    input: '{"transformation": "{ \\"to\\": data.recipient }", "settings": {"method": "PUT"}}',
  });
  assert.match(changed, /^batch +1$/m);
  assert.match(changed, /^method +PUT$/m);
  await append(1);
  assert.match(await done(['preview', 'crm']), /email\.bounced sent\n {2}\{\n {4}"to": "mila@/);
  const broken = await run(['preview', 'crm', '--transformation', '-'], { input: '$error("no")' });
  assert.equal(broken.code, 1);
  assert.match(broken.out.join('\n'), /failed\n {2}.*no/);
  await done(['update', 'crm', '--transformation', '-'], { input: 'data.nobody' });
  const empty = await run(['test', 'crm']);
  assert.equal(empty.code, 1);
  assert.match(empty.out.join('\n'), /Not taken: refused: Nothing was sent/);
  assert.match(await done(['pause', 'crm']), /^state +paused$/m);
  assert.match(await done(['resume', 'crm']), /^state +ok$/m);
  const { out } = await run(['list'], { columns: 80 });
  assert.match(out[1] ?? '', /^snk_\w+ +http +CRM +ok/);
  for (const line of out) assert.ok(line.length <= 80, line);
  assert.equal((await run(['delete', 'crm'])).code, 2);
  assert.equal((await run(['delete', 'crm'], { answers: ['n'] })).code, 1);
  assert.equal(await done(['delete', 'crm', '--yes']), 'Deleted: CRM');
});

test('what is wrong is named with the nearest right one', async () => {
  const said = async (args: string[], code = 2): Promise<string> => {
    const result = await run(args);
    assert.deepEqual([result.code, result.out], [code, []]);
    return result.err;
  };
  assert.match(await said(['create', 'slak']), /no kind "slak"\. Did you mean "slack"\?/);
  assert.match(await said(['create', 'http', '--set', 'ulr=x']), /Did you mean "url"\?/);
  assert.match(await said(['create', 'http', '--set', 'url']), /not of the form name=value/);
  assert.match(await said(['create', 'http', '--set', 'headers=x']), /headers\.NAME=value/);
  assert.match(await said(['create', 'http', '--set', 'batch=many'], 1), /settings\/batch/);
  await done(['create', 'http', '--name', 'Twice', '--set', `url=${receiver.url}`]);
  assert.match(await said(['update', 'twice']), /Nothing to change/);
  assert.match(await said(['show', 'twise'], 1), /no sink "twise"\. Did you mean "Twice"\?/);
  assert.match(await said(['backfill', 'twice', '--watch']), /No backfill of Twice/);
  await done(['create', 'http', '--name', 'Twice', '--set', `url=${receiver.url}`]);
  assert.match(await said(['show', 'twice'], 1), /Several sinks .*snk_\w+, snk_\w+\. Name one/);
  for (const { id } of (await server.client.get('/v1/sinks')).data)
    await done(['delete', id, '--yes']);
});

test('kinds say what they take', async () => {
  assert.match(await done(['kinds']), /^rabbitmq +A persistent message/m);
  const http = await done(['kinds', 'http']);
  assert.match(http, /^url +Where each request goes\. .* \(needed\)$/m);
  assert.match(http, /^method +\(usually POST; POST \| PUT \| PATCH\)$/m);
  assert.match(http, /^headers .*\(secret\)$/m);
});

test('a preset asks for little, and makes a sink like any other', async () => {
  assert.match(await done(['presets']), /^salesforce-records +A record of a custom object/m);
  const contacts = await done(['presets', 'hubspot-contacts']);
  assert.match(contacts, /^It needs: A private app .*\nEvents: email\.delivered, .*\n\ntoken /m);
  const made = await done(['create', '--preset', 'hubspot-contacts', '--set', 'token=pat-1']);
  assert.match(made, /^name +HubSpot contacts\nkind +http\nurl +https:\/\/api\.hubapi\.com\//m);
  assert.match(made, /^events +email\.delivered, .*\nmade by +data\.recipient/m);
  assert.doesNotMatch(made, /pat-1/);
  await done(['delete', 'HubSpot contacts', '--yes']);

  const nothing = await run(['create', '--preset', 'hubspot-contacts']);
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /settings\/token/);
  assert.match((await run(['create', '--preset', 'hubspot'])).err, /There are: hubspot-contacts/);
  for (const args of [['create'], ['create', 'http', '--preset', 'hubspot-contacts']]) {
    const { code, err } = await run(args);
    assert.equal(code, 2);
    assert.match(err, /Name a kind .*, or --preset/);
  }
});

test('the past is followed to its end, and goes on when nobody looks any more', async () => {
  await append(3);
  await done(['create', 'http', '--name', 'past', '--set', `url=${receiver.url}`]);
  assert.equal(await done(['backfill', 'past']), 'past has been sent the past.');

  receiver.answerWith(503);
  const left = await run(['backfill', 'past', '--since', '1h'], { signal: AbortSignal.abort() });
  assert.match(left.err, /The server goes on\. .* --watch, .* --stop\n$/);
  await until('it waits', async () => (await show('past')).backfill?.last_error !== null);
  assert.match(await done(['show', 'past']), /^the past +0%: 0 sent, .*; unavailable: .*503/m);
  assert.equal((await run(['backfill', 'past'])).code, 2);
  assert.equal((await run(['backfill', 'past'], { answers: ['n'] })).code, 1);
  assert.equal(await done(['backfill', 'past', '--stop']), 'It sends nothing of the past.');
  await done(['backfill', 'past', '--no-wait']);
  receiver.answerWith(204);
  // A change has it try at once.
  await done(['update', 'past', '--name', 'then']);
  assert.equal(await done(['backfill', 'then', '--yes']), 'then has been sent the past.');
  await done(['delete', 'then', '--yes']);
});

test('what was refused is listed, and sent once more', async () => {
  receiver.answerWith(422);
  await done(['create', 'http', '--name', 'picky', '--set', `url=${receiver.url}`]);
  const { data } = await append(2);
  await until('both are refused', async () => (await show('picky')).progress.refused === 2);
  assert.match(await done(['show', 'picky']), /^state +refusing\n(?:.*\n)?refusing since +2/m);
  const { out } = await run(['refused', 'picky'], { columns: 80 });
  assert.match(out[1] ?? '', /^evt_\w+ +email\.\S+ +mila@\S+ +refused +It answ/);
  for (const line of out) assert.ok(line.length <= 80, line);
  const again = await run(['resend', 'picky', '--event', data[0].id]);
  assert.deepEqual([again.code, again.out], [1, ['0 sent, 1 refused again, 0 no longer kept']]);
  receiver.answerWith(204);
  assert.equal(
    await done(['resend', 'picky', '--all']),
    '2 sent, 0 refused again, 0 no longer kept',
  );
  assert.match((await run(['refused', 'picky'])).err, /picky has refused nothing/);
  assert.match(await done(['show', 'picky']), /^state +ok$/m);
});

test('an expression that never ends puts its event aside, and says so', async () => {
  const endless = '($f := function($n) { $f($n + 1) }; $exists(data.tags) ? $f(1) : $)';
  const made = [
    ...['create', 'http', '--name', 'endless', '--set', `url=${receiver.url}`],
    ...['--transformation', '-'],
  ];
  await done(made, { input: endless });
  const event = { type: 'email.bounced', timestamp: new Date().toISOString() };
  const data = { provider_event_id: randomUUID(), recipient: 'mila@example.com', tags: ['x'] };
  await server.client.post('/v1/events', [{ ...event, data }]);
  await append(1);
  await until('the next has gone', async () => (await show('endless')).progress.sent === 1);
  assert.match(
    await done(['refused', 'endless']),
    /email\.bounced +mila@example\.com +transformation +It did not end within 1000 ms\./,
  );
  // What is refused once more has the new reason.
  await done(['update', 'endless', '--transformation', '-'], { input: '$error("still no")' });
  assert.equal((await run(['resend', 'endless'])).code, 1);
  assert.match(await done(['refused', 'endless']), /transformation +still no/);
  await done(['update', 'endless', '--transformation', '-'], { input: '$' });
  receiver.answerWith(422);
  assert.equal((await run(['resend', 'endless'])).code, 1);
  receiver.answerWith(204);
  assert.match(await done(['refused', 'endless']), /mila@example\.com +refused +It answ/);
  assert.match(await done(['show', 'endless']), /^sent +1, 1 refused$/m);
});

test('a name that leads to a private address is refused when it is dialled, and the sink says so', async (t) => {
  // Nothing but this network may be private, and that of this machine is not in it.
  const strict = await startInProcessServer({ endpointNetworks: '10.0.0.0/8' });
  t.after(() => strict.stop());
  const env = {
    XDG_CONFIG_HOME: '/nowhere',
    POSTHORN_API_KEY: API_KEY,
    POSTHORN_URL: strict.httpUrl,
  };
  const at = await run(['create', 'http', '--set', `url=${receiver.url}`], { env });
  assert.match(at.err, /settings\/url.*not a public/);
  // The same address as one number, and where a key of Google would have its token fetched.
  const number = ['create', 'redis', '--set', 'host=2130706433', '--set', 'stream=a'];
  assert.match((await run(number, { env })).err, /settings\/host.*not a public/);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const account = {
    client_email: 'a@example.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: `${receiver.url}/token`,
  };
  const pubsub = [
    ...['create', 'pubsub', '--set', 'topic=projects/shop-1/topics/mail'],
    ...['--set', 'service_account=@-'],
  ];
  const keyed = await run(pubsub, { env, input: JSON.stringify(account) });
  assert.match(keyed.err, /settings\/service_account.*not a public/);
  const name = receiver.url.replace('127.0.0.1', 'localhost');
  const made = await run(['create', 'http', '--name', 'moved', '--set', `url=${name}`], { env });
  assert.equal(made.code, 0, made.err);
  const tested = await run(['test', 'moved'], { env });
  assert.equal(tested.code, 1);
  assert.match(tested.out.join('\n'), /Not taken: address_refused: .*localhost.*not a public/);
  // A kind with a protocol of its own looks the name up by itself.
  const queue = ['create', 'redis', '--name', 'queue', '--set', 'host=localhost'];
  assert.equal((await run([...queue, '--set', 'stream=a'], { env })).code, 0);
  const dialled = (await run(['test', 'queue'], { env })).out.join('\n');
  assert.match(dialled, /Not taken: address_refused: .*localhost.*not a public/);
  const body = { type: 'email.bounced', timestamp: new Date().toISOString(), data: {} };
  await strict.client.post('/v1/events', [body]);
  const state = async () =>
    JSON.parse((await run(['show', 'moved', '--json'], { env })).out.join(''));
  await until('it is seen', async () => (await state()).state === 'failing');
  const shown = (await run(['show', 'moved'], { env })).out.join('\n');
  assert.match(shown, /^why +address_refused: .*not a public.*\nfailing since +2/m);
});
