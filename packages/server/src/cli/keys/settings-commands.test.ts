import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, type RunOptions, runCommand } from '../fixtures/run-command.ts';
import {
  API_KEY,
  type InProcessServer,
  startInProcessServer,
} from '../whole/fixtures/in-process-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-settings-command-'));
let server: InProcessServer;
before(async () => {
  // Nothing answers there, so that no domain is ever verified and nothing outside is asked.
  server = await startInProcessServer({ dnsServers: '127.0.0.1:9' });
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const CONFIG = { XDG_CONFIG_HOME: folder };

function run(args: string[], options: RunOptions = {}): Promise<CommandResult> {
  const env = { ...CONFIG, POSTHORN_API_KEY: API_KEY, POSTHORN_URL: server.httpUrl };
  return runCommand(args, { env, ...options });
}

test('keys are made, listed and revoked', async () => {
  const made = await run(['keys', 'create', 'web shop', '--scope', 'send', 'read']);
  const key = made.out[0] ?? '';
  assert.match(key, /^phk_/);
  const listed = await run(['keys', 'list'], { columns: 80 });
  assert.match(listed.out.join('\n'), /web shop .*send,read/);
  assert.ok(!listed.out.join('\n').includes(key));
  for (const line of listed.out) assert.ok(line.length <= 80, line);
  const { id } = JSON.parse((await run(['keys', 'list', '--limit', '1', '--json'])).out[0] ?? '');
  const limited = { env: { ...CONFIG, POSTHORN_API_KEY: key, POSTHORN_URL: server.httpUrl } };
  const refused = await run(['endpoints', 'create', 'http://127.0.0.1:9'], limited);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /needs a key with the scope "manage"; this key has "send" and "read"/);
  assert.equal((await run(['keys', 'revoke', id, '--yes'])).code, 0);
  assert.match((await run(['messages', 'list'], limited)).err, /wrong_key.*posthorn login/);
  const scope = await run(['keys', 'create', 'x', '--scope', 'sned']);
  assert.equal(scope.code, 2);
  assert.match(scope.err, /Allowed choices are send/);
});

test('a domain says what to publish, and its check fails until it is there', async () => {
  const added = await run(['domains', 'add', 'shop.test']);
  assert.match(
    added.out.join('\n'),
    /^shop\.test {2}pending.*TXT \S+_domainkey\.shop\.test\n +v=DKIM1;/s,
  );
  const checked = await run(['domains', 'check', 'SHOP.test', '--json']);
  assert.equal(checked.code, 1);
  assert.equal(JSON.parse(checked.out.join('')).name, 'shop.test');
  const listed = await run(['domains', 'list'], { columns: 80 });
  assert.match(listed.out[1] ?? '', /^dom_\w+ +shop\.test +pending/);
  const wrong = await run(['domains', 'show', 'shpo.test']);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /no domain shpo\.test\. Did you mean "shop\.test"/);
  assert.equal((await run(['domains', 'delete', 'shop.test', '--yes'])).code, 0);
  assert.match((await run(['domains', 'list'])).err, /There is no domain yet/);
});

test('a source says where the provider has to post', async () => {
  const file = join(folder, 'secret.txt');
  writeFileSync(file, 'sign-with-this\n');
  const args = ['sources', 'create', 'sendarix', '--name', 'old shop', '--secret', `@${file}`];
  const made = await run(args);
  assert.equal(made.code, 0, made.err);
  assert.match(
    made.out.join('\n'),
    /secrets +1\n.*Give sendarix this URL: http:\/\/127\.0\.0\.1:\d+\/in\//s,
  );
  const listed = await run(['sources', 'list'], { columns: 80 });
  const [, row = ''] = listed.out;
  assert.match(row, /^src_\w+ +sendarix +old shop +0 +0 +-$/);
  const id = row.split(' ')[0] ?? '';
  assert.match((await run(['sources', 'show', id])).out.join('\n'), /events +0 of 0 webhooks/);
  assert.equal((await run(['sources', 'delete', id, '--yes'])).code, 0);
  const wrong = await run(['sources', 'create', 'sendgird']);
  assert.match(wrong.err, /Did you mean "sendgrid"/);
});

test('login tries the key, keeps it for its owner alone, and is used from then on', async () => {
  const wrong = await run(['login', '--url', server.httpUrl], {
    env: CONFIG,
    input: 'phk_wrong\n',
  });
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /401 wrong_key/);
  assert.match((await run(['profiles', 'list'], { env: CONFIG })).err, /no profile yet/);
  const typed = await run(['login'], { env: CONFIG, answers: [`${server.httpUrl}/`, API_KEY] });
  assert.equal(typed.code, 0, typed.err);
  assert.ok(!(typed.out.join('') + typed.err).includes(API_KEY));
  assert.equal(statSync(join(folder, 'posthorn', 'profiles.json')).mode & 0o777, 0o600);
  assert.equal((await run(['messages', 'list'], { env: CONFIG })).code, 0);
  const other = ['login', 'other', '--url', 'http://127.0.0.1:9', '--no-check', '--json'];
  const saved = await run(other, { env: CONFIG, input: 'phk_other' });
  assert.equal(JSON.parse(saved.out.join('')).profile, 'other');
  const lost = await run(['messages', 'list'], { env: CONFIG });
  assert.equal(lost.code, 3);
  assert.match(lost.err, /which is from the profile "other",/);
  await run(['profiles', 'use', 'default'], { env: CONFIG });
  const rows = await run(['profiles', 'list', '--json'], { env: CONFIG });
  assert.deepEqual(
    rows.out.map((line) => JSON.parse(line)),
    [
      { name: 'default', url: server.httpUrl, current: true },
      { name: 'other', url: 'http://127.0.0.1:9', current: false },
    ],
  );
  await run(['profiles', 'remove', 'default'], { env: CONFIG });
  const gone = await run(['messages', 'list', '--profile', 'defualt'], { env: CONFIG });
  assert.equal(gone.code, 2);
  assert.match(gone.err, /no profile "defualt"/);
  const name = await run(['login', '--', '--json'], { env: CONFIG, input: 'k' });
  assert.match(name.err, /"--json" cannot be the name of a profile/);
});
