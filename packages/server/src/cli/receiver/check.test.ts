import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { encodePrivateKey, encodeSecret } from '@posthorn/sdk';
import pc from 'picocolors';
import { makeCertificate } from '../../webhooks/fixtures/make-certificate.ts';
import { FAULTS, type Fault, startReceiver } from './check/fixtures/receiver.ts';
import { CHECKS } from './check/run-checks.ts';
import { type CheckInput, checkEndpoint } from './check.ts';

const SECRET = encodeSecret(Buffer.alloc(32, 7));
const folder = mkdtempSync(join(tmpdir(), 'posthorn-check-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  url: string;
  dialect: string;
  passed: number;
  failed: number;
  skipped: number;
  checks: { check: string; result: string; reason: string; fix: string | null }[];
}

/** A clock that only moves when somebody sleeps, so that no machine is too slow for a receiver to pass. */
function createWorld(timeoutMs = 30_000) {
  let nowMs = Date.now();
  const out: string[] = [];
  const err: string[] = [];
  return {
    out,
    err,
    advance(ms: number) {
      nowMs += ms;
    },
    world: {
      nowMs: () => nowMs,
      async sleep(ms: number) {
        nowMs += ms;
        await delay(Math.max(5, ms / 20));
      },
      timeoutMs,
      out: (line: string) => void out.push(line),
      err: (line: string) => void err.push(line),
      colors: pc.createColors(false),
    },
  };
}

async function check(
  options: {
    fault?: Fault | 'limits politely';
    timeoutMs?: number;
    tls?: ServerOptions;
    withEffects?: boolean;
  } & Partial<CheckInput> = {},
) {
  const { fault, timeoutMs, tls, withEffects = true, ...input } = options;
  const { world, out, err, advance } = createWorld(timeoutMs);
  const receiver = await startReceiver({
    secret: SECRET,
    nowMs: world.nowMs,
    advance,
    ...(fault === undefined ? {} : { fault }),
    ...(tls === undefined ? {} : { tls }),
  });
  try {
    const code = await checkEndpoint(
      {
        url: receiver.url,
        secret: SECRET,
        dialect: 'standard',
        json: true,
        ...(withEffects ? { effects: receiver.effectsUrl } : {}),
        ...input,
      },
      world,
    );
    return { code, out, err };
  } finally {
    await receiver.close();
  }
}

const reportOf = ({ out }: { out: string[] }): Report => JSON.parse(out.at(-1) ?? '');

const named = (report: Report, result: string): string[] =>
  report.checks.filter((one) => one.result === result).map((one) => one.check);

test('a good receiver passes everything', async () => {
  const run = await check();
  const report = reportOf(run);
  assert.deepEqual(
    report.checks.filter(({ result }) => result === 'fail'),
    [],
  );
  assert.equal(run.code, 0);
  // Plain HTTP on this machine says nothing of the certificate.
  assert.deepEqual(named(report, 'skip'), ['tls']);
  assert.equal(report.checks.length, CHECKS.length);
  assert.equal(report.passed, CHECKS.length - 1);
  assert.equal(report.dialect, 'standard');
});

for (const [fault, wanted] of Object.entries(FAULTS) as [Fault, string][]) {
  test(`a receiver that ${fault} fails ${wanted} alone, and is told what to change`, async () => {
    // Only one that never answers needs a time limit.
    const timeoutMs = fault === 'reads one body at a time' ? 3_000 : 30_000;
    const run = await check({ fault, timeoutMs });
    const report = reportOf(run);
    assert.deepEqual(named(report, 'fail'), [wanted]);
    assert.equal(run.code, 1);
    const found = report.checks.find((one) => one.check === wanted);
    assert.ok((found?.fix ?? '').length > 20, found?.reason);
    const isObstacle = wanted === 'no_redirect' || wanted === 'valid_event';
    const isGone = fault === 'dies when a sender hangs up';
    assert.equal(report.skipped > 1, isObstacle || isGone);
  });
}

test('429 with Retry-After is an answer to a burst', async () => {
  const run = await check({ fault: 'limits politely' });
  const found = reportOf(run).checks.find((one) => one.check === 'burst');
  assert.equal(found?.result, 'pass');
  assert.match(found?.reason ?? '', /put .* off with 429/i);
});

test('a receiver that is not there fails one check, and the others are skipped', async () => {
  const run = await check({ url: 'http://127.0.0.1:1/hook', withEffects: false });
  assert.deepEqual(named(reportOf(run), 'fail'), ['valid_event']);
  assert.equal(reportOf(run).skipped, CHECKS.length - 1);
  assert.match(
    reportOf(run).checks.find(({ result }) => result === 'fail')?.reason ?? '',
    /ECONNREFUSED/,
  );
});

test('a wrong secret is a valid event that is refused', async () => {
  const run = await check({ secret: encodeSecret(Buffer.alloc(32, 8)) });
  const report = reportOf(run);
  assert.deepEqual(named(report, 'fail'), ['valid_event']);
  assert.match(report.checks.find(({ result }) => result === 'fail')?.fix ?? '', /secret/);
});

test('signs with an Ed25519 key too', async () => {
  const run = await check({ secret: encodePrivateKey(Buffer.alloc(32, 9)) });
  assert.deepEqual(named(reportOf(run), 'fail'), ['valid_event'], 'this receiver has another key');
});

test('https with a certificate of a known authority passes', async () => {
  const issuer = makeCertificate('Test authority');
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, issuer.cert);
  const run = await check({ tls: makeCertificate('localhost', { issuer }), ca });
  const report = reportOf(run);
  assert.deepEqual(named(report, 'fail'), []);
  assert.match(report.checks.find((one) => one.check === 'tls')?.reason ?? '', /TLSv1\.[23]/);
});

test('a certificate that nobody knows, or that has expired, fails tls alone', async () => {
  for (const tls of [
    makeCertificate('localhost'),
    makeCertificate('localhost', { isExpired: true }),
  ]) {
    const run = await check({ tls });
    assert.deepEqual(named(reportOf(run), 'fail'), ['tls']);
  }
});

test('a server that still speaks TLS 1.1 fails tls alone', async () => {
  const issuer = makeCertificate('Test authority');
  const ca = join(folder, 'old.pem');
  writeFileSync(ca, issuer.cert);
  const outdated = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const run = await check({
    tls: { ...makeCertificate('localhost', { issuer }), ...outdated },
    ca,
  });
  const report = reportOf(run);
  assert.deepEqual(named(report, 'fail'), ['tls']);
  assert.match(report.checks.find((one) => one.check === 'tls')?.reason ?? '', /TLSv1/);
});

test('reads for people say what was seen and what to change', async () => {
  const { out, code } = await check({ fault: 'takes old signatures', json: false });
  const text = out.join('\n');
  assert.equal(code, 1);
  assert.match(text, /FAIL {2}Refuses an old signature +Took an event that was signed 1 h ago/);
  assert.match(text, /Change: Compare the signed time/);
  assert.match(text, /1 failed, 1 skipped$/);
});

test('misuse ends with 2 and says what is wrong', async () => {
  const cases: [Partial<CheckInput>, RegExp][] = [
    [{ url: 'ftp://example.com' }, /"ftp:\/\/example.com" is not a URL with http/],
    [{ secret: 'whsec_???' }, /--secret: /],
    [{ secret: '@/nowhere' }, /--secret: \/nowhere cannot be read/],
    [{ dialect: 'standrd' }, /Did you mean "standard"/],
    [{ ca: '/nowhere.pem' }, /--ca: /],
    [{ effects: 'http://127.0.0.1:1/' }, /--effects: .* has to answer a GET with 200/],
  ];
  for (const [input, message] of cases) {
    const { code, err } = await check(input);
    assert.equal(code, 2);
    assert.match(JSON.parse(err[0] ?? '').message, message);
  }
});
