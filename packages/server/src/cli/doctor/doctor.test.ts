import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '../../config/load-config.ts';
import type { SettingName } from '../../config.ts';
import { TEST_CERTIFICATE } from '../../smtp/fixtures/test-certificate.ts';
import { runCommand } from '../fixtures/run-command.ts';
import type { Patient, Probes } from './doctor-check.ts';
import { type DoctorResult, runDoctor } from './run-doctor.ts';
import { createSystemProbes } from './system-probes.ts';
import { readOffset } from './time-packet.ts';

const folder = mkdtempSync(join(tmpdir(), 'posthorn-doctor-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const HOST = 'out.posthorn.test';
const ADDRESS = '192.0.2.25';
const NOW_MS = Date.UTC(2026, 11, 1);

/** A machine on which all is well; a test makes one thing wrong. */
const HEALTHY: Probes = {
  nowMs: () => NOW_MS,
  bind: async () => 'free',
  isPosthorn: async () => false,
  resolve4: async (name) => (name === HOST ? [ADDRESS] : []),
  resolve6: async () => Promise.reject(new Error('queryAaaa ENODATA')),
  resolveMx: async () => [
    { exchange: 'mx2.example.test', priority: 20 },
    { exchange: 'mx1.example.test', priority: 10 },
  ],
  reverse: async () => [HOST],
  greet: async ({ host }) => `220 ${host} ESMTP`,
  clockOffsetMs: async () => 12,
  disk: () => ({ freeBytes: 50e9, totalBytes: 100e9 }),
  readFile: (file) => (file.includes('key') ? TEST_CERTIFICATE.key : TEST_CERTIFICATE.cert),
  modeOf: () => 0o600,
  store: async () => 'The embedded store can be read.',
};

async function examine(
  probes: Partial<Probes>,
  flags: Partial<Record<SettingName, string>> = {},
): Promise<DoctorResult[]> {
  const config = loadConfig({ flags: { data: folder, hostname: HOST, ...flags } });
  const patient: Patient = {
    config,
    probes: { ...HEALTHY, ...probes },
    probeDomain: 'example.test',
  };
  const results: DoctorResult[] = [];
  for await (const result of runDoctor(patient, { asksOutside: true })) results.push(result);
  return results;
}

/** What is not well, as `check: result: reason`. */
async function complaints(
  probes: Partial<Probes>,
  flags: Partial<Record<SettingName, string>> = {},
): Promise<string[]> {
  const results = await examine(probes, flags);
  for (const { result, advice, check } of results) {
    assert.equal(advice !== undefined, result === 'warn' || result === 'fail', check);
  }
  const bad = results.filter(({ result }) => result === 'warn' || result === 'fail');
  return bad.map(({ check, result, reason }) => `${check}: ${result}: ${reason}`);
}

const refuse = (message: string) => async () => {
  throw new Error(message);
};

test('finds nothing on a machine on which all is well', async () => {
  assert.deepEqual(await complaints({}), []);
});

test('ports: free, ours, taken, forbidden, of another machine', async () => {
  const ours = { bind: async () => 'taken' as const, isPosthorn: async () => true };
  assert.deepEqual(await complaints(ours), []);
  const [taken] = await complaints({ bind: async () => 'taken' });
  assert.match(taken ?? '', /^ports: fail: HTTP on 127\.0\.0\.1 port 8480 is taken by another/);
  const forbidden = await complaints(
    { bind: async (_, port) => (port === 25 ? 'forbidden' : 'free') },
    { returnPathPort: '25' },
  );
  assert.deepEqual(forbidden, [
    'ports: fail: Bounces on 127.0.0.1 port 25 needs more rights than this user has.',
  ]);
  const [elsewhere] = await complaints({ bind: async () => 'no_address' }, { host: '192.0.2.9' });
  assert.match(elsewhere ?? '', /^ports: fail: 192\.0\.2\.9 is no address of this machine/);
});

test('database, master key, disk and clock', async () => {
  const cases: [Partial<Probes>, string][] = [
    [{ store: refuse('The file is damaged.') }, 'database: fail: The file is damaged.'],
    [
      { modeOf: () => 0o644 },
      `master_key: fail: Others on this machine may read ${folder}/master.key.`,
    ],
    [
      { disk: () => ({ freeBytes: 1_073_741_824, totalBytes: 10_737_418_240 }) },
      `disk: warn: 1.0 of 10.0 GB are free for ${folder}.`,
    ],
    [
      { disk: () => ({ freeBytes: 107_374_182, totalBytes: 10_737_418_240 }) },
      `disk: fail: 0.1 of 10.0 GB are free for ${folder}.`,
    ],
    [{ clockOffsetMs: async () => -4_200 }, 'clock: warn: It is 4.2 s behind.'],
    [{ clockOffsetMs: async () => 90_000 }, 'clock: fail: It is 90.0 s ahead.'],
  ];
  for (const [probes, complaint] of cases) assert.deepEqual(await complaints(probes), [complaint]);
  assert.deepEqual(await complaints({ clockOffsetMs: refuse('no answer') }), []);
});

test('hostname and reverse DNS', async () => {
  const [plain, ...others] = await complaints({}, { hostname: 'vm-17' });
  assert.match(plain ?? '', /^hostname: fail: "vm-17" is no name that others know/);
  assert.deepEqual(others, []);
  const unknown = await complaints({ resolve4: async () => [] });
  assert.deepEqual(unknown, [`hostname: fail: DNS has no address for ${HOST}.`]);
  const nameless = await complaints({ reverse: refuse('ENOTFOUND') });
  assert.deepEqual(nameless, [`ptr: fail: ${ADDRESS} has no name in reverse DNS.`]);
  const astray = await complaints({ reverse: async () => ['host-25.isp.test'] });
  assert.match(
    astray.join(),
    /^ptr: fail: 192\.0\.2\.25 is called host-25\.isp\.test, which does not lead back/,
  );
  const other = await complaints({
    reverse: async () => ['mail.posthorn.test'],
    resolve4: async () => [ADDRESS],
  });
  assert.deepEqual(other, [
    `ptr: warn: ${ADDRESS} is called mail.posthorn.test, and this server says ${HOST}.`,
  ]);
  const each = await complaints(
    { reverse: refuse('ENOTFOUND') },
    { mailSourceAddresses: '192.0.2.1,2001:db8::1' },
  );
  assert.equal(each.length, 2);
  assert.deepEqual(
    await complaints({ reverse: refuse('x') }, { smarthost: 'smtp://relay.test' }),
    [],
  );
});

test('the certificate: whose it is, until when, and whether the key is its own', async () => {
  const judge = async (probes: Partial<Probes>, hostname = 'mx.test'): Promise<string> => {
    const flags = { smtpTlsCert: 'cert.pem', smtpTlsKey: 'key.pem', hostname };
    const [found] = (await examine(probes, flags)).filter(({ check }) => check === 'tls');
    return `${found?.result}: ${found?.reason}`;
  };
  // The test's certificate ends on 28 October 2126.
  assert.match(await judge({}), /^ok: It is for mx\.test, and valid for 364\d\d more days/);
  assert.match(await judge({ nowMs: () => Date.UTC(2126, 9, 20) }), /^warn: .* for 8 more days/);
  assert.match(await judge({ nowMs: () => Date.UTC(2127, 0, 1) }), /^fail: It ended on Oct 28/);
  assert.match(await judge({ nowMs: () => 0 }), /^fail: It is valid only from Nov 21/);
  assert.match(
    await judge({}, 'mail.test'),
    /^fail: It is for localhost, mx\.test.* not for mail\.test/,
  );
  assert.match(await judge({ readFile: () => 'no PEM' }), /^fail: It cannot be read/);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const mixed = (file: string): string => (file.includes('key') ? other : TEST_CERTIFICATE.cert);
  assert.match(await judge({ readFile: mixed }), /^fail: The key does not belong/);
  const [open] = await complaints({}, { host: '0.0.0.0' });
  assert.match(open ?? '', /^tls: warn: Submission offers no STARTTLS/);
});

test('the way to mail servers: the first of them, from each address, or the smarthost', async () => {
  const asked: string[] = [];
  const greet: Probes['greet'] = async ({ host, port, localAddress }) => {
    asked.push(`${localAddress ?? ''} ${host}:${port}`);
    return '554 5.7.1 Your address is on a list';
  };
  const [refused] = await complaints({ greet });
  assert.equal(
    refused,
    'outbound: fail: mx1.example.test port 25 refuses this machine: 554 5.7.1 Your address is on a list',
  );
  await complaints({ greet }, { mailSourceAddresses: '192.0.2.25,192.0.2.26' });
  await complaints({ greet }, { smarthost: 'smtps://me:hunter2@relay.test' });
  assert.deepEqual(asked, [
    ' mx1.example.test:25',
    '192.0.2.25 mx1.example.test:25',
    '192.0.2.26 mx1.example.test:25',
    ' relay.test:465',
  ]);
  const closed = await complaints({ greet: refuse('no answer within 8 s') });
  assert.match(closed.join(), /^outbound: fail: mx1\.example\.test port 25 cannot be reached/);
  const silent = await complaints({ resolveMx: refuse('queryMx ETIMEOUT') });
  assert.match(silent.join(), /^dns: fail: DNS does not answer \(the system's\): queryMx ETIMEOUT/);
});

test('a check that breaks is a finding, and the others go on', async () => {
  const results = await examine({
    disk() {
      throw new Error('statfs failed');
    },
  });
  assert.match(
    results.find(({ check }) => check === 'disk')?.reason ?? '',
    /itself failed: statfs/,
  );
  assert.equal(results.at(-1)?.check, 'outbound');
});

test('the command asks nobody outside when told so, and ends with 1 for a failure', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const args = ['doctor', '--no-outside', '--data', folder, '--smtp-port', '0', '--roles', 'api'];
  try {
    const well = await runCommand([...args, '--port', '0', '--json']);
    assert.equal(well.code, 0, well.err);
    const clock = well.out.map((line) => JSON.parse(line)).find(({ check }) => check === 'clock');
    assert.equal(clock.result, 'skip');
    // What sits there answers no HTTP at all; nobody waits for it.
    taken.on('connection', (socket) => socket.destroy());
    const bad = await runCommand([...args, '--port', String(port)]);
    assert.equal(bad.code, 1);
    assert.match(
      bad.out.join('\n'),
      /fail {2}Ports .* is taken by another program\.\n {6}Do: Stop that one/,
    );
    assert.equal((await runCommand([...args, '--roles', 'none'])).code, 2);
    writeFileSync(join(folder, 'posthorn.sqlite'), 'This is no database at all, but long enough.');
    const broken = await runCommand([...args, '--port', '0']);
    assert.match(broken.out.join('\n'), /fail {2}Database +file is not a database/);
  } finally {
    taken.close();
  }
});

test('the real probes: a greeting, a closed port, and a time server', async () => {
  const mail = createServer((socket) => void socket.end('220 mx.test ESMTP\r\n'));
  mail.listen(0, '127.0.0.1');
  const time = createSocket('udp4');
  time.on('message', (_, { port, address }) => {
    const packet = Buffer.alloc(48);
    packet.set([0x24, 2]);
    for (const at of [32, 40])
      packet.writeUInt32BE(Math.floor(Date.now() / 1_000) + 2_208_988_800 - 3_600, at);
    time.send(packet, port, address);
  });
  time.bind(0, '127.0.0.1');
  await Promise.all([once(mail, 'listening'), once(time, 'listening')]);
  const probes = createSystemProbes({
    dnsServers: [],
    timeServer: { host: '127.0.0.1', port: time.address().port },
  });
  try {
    const { port } = mail.address() as AddressInfo;
    assert.equal(await probes.greet({ host: '127.0.0.1', port }), '220 mx.test ESMTP');
    await assert.rejects(probes.greet({ host: '127.0.0.1', port: 9 }), /ECONNREFUSED/);
    const offsetMs = await probes.clockOffsetMs();
    assert.ok(offsetMs >= 3_599_000 && offsetMs <= 3_660_000, String(offsetMs));
    assert.equal(await probes.bind('127.0.0.1', port), 'taken');
    assert.equal(await probes.bind('192.0.2.1', port), 'no_address');
    assert.ok(probes.disk(join(folder, 'not', 'there', 'yet')).totalBytes > 0);
  } finally {
    mail.close();
    time.close();
  }
});

test('an answer of no time server, or of one that has lost the time, is none', () => {
  const times = { sentMs: 0, gotMs: 0 };
  assert.equal(readOffset(new Uint8Array(47), times), null);
  for (const head of [
    [0x23, 2],
    [0x24, 0],
    [0x24, 16],
  ]) {
    const packet = new Uint8Array(48);
    packet.set(head);
    assert.equal(readOffset(packet, times), null);
  }
});
