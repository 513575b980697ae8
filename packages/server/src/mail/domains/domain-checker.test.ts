import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { CanonicalEvent } from '@posthorn/sdk';
import { type DnsZone, startDnsServer } from '../../cli/whole/fixtures/dns-server.ts';
import { NO_LIMITS, USUAL_SENDING } from '../../core/project-settings.ts';
import { StoreConflict } from '../../store/engine.ts';
import type { DomainRecord } from '../../store/mail/domains.ts';
import { PROJECT, setUpMail } from '../fixtures/set-up-mail.ts';
import { createEnvelopeSender } from '../return-path/envelope-sender.ts';
import { createDnsLookup } from './dns-lookup.ts';
import { createDomainChecker } from './domain-checker.ts';
import { listRecords } from './domain-records.ts';
import { makeKeys } from './make-keys.ts';

const HOUR_MS = 3_600_000;
const HOSTS = {
  hostname: 'mail.posthorn.test',
  spfTerm: 'a:mail.posthorn.test',
  trackingHost: null,
};

/** A store with domains whose keys are in DNS, and checkers of as many nodes as are asked for. */
async function setUp(t: TestContext, names: readonly string[]) {
  const system = await setUpMail(t, { idle: true });
  const { store, engine, clock, log, ids, secretBox, directory } = system;
  const zones: Record<string, DnsZone> = {};
  const server = await startDnsServer(zones);
  t.after(() => server.close());
  const now = clock.now;
  await store.projects.insert(
    {
      id: PROJECT,
      name: 'Test',
      limits: NO_LIMITS,
      retention: { eventsDays: null, bodiesDays: null },
      sending: {
        suppressFromElsewhere: false,
        suppressAfterSoftBounces: null,
        requireVerifiedDomain: null,
        trackOpens: false,
        trackClicks: false,
        trackTextLinks: false,
        unsubscribePage: false,
        keepReaders: true,
        streams: USUAL_SENDING.streams,
        holdRules: [],
        holdOverLimit: false,
      },
      version: 1,
      createdAtMs: now(),
      updatedAtMs: now(),
    },
    [],
  );
  for (const name of names) {
    const domain: DomainRecord = {
      projectId: PROJECT,
      id: ids.next('domain'),
      name,
      settings: { returnPath: 'bounces', tracking: 'links' },
      version: 1,
      createdAtMs: now(),
      updatedAtMs: now(),
      verifiedAtMs: null,
      checkedAtMs: null,
      check: null,
    };
    const keys = await makeKeys(domain, 'active', { secretBox, nowMs: now() });
    await engine.commit({ events: [], statements: store.domains.insertion(domain, keys) });
    for (const record of listRecords(domain, keys, HOSTS)) {
      if (record.purpose === 'dkim') zones[record.name] = { txt: [String(record.expected)] };
    }
  }
  const newChecker = () =>
    createDomainChecker({
      domains: store.domains,
      log,
      ids,
      now,
      changed: directory.load,
      tools: {
        hosts: HOSTS,
        dns: createDnsLookup([server.address]),
        fetchText: async () => '',
      },
    });
  /** Rounds until a node has nothing more to do. */
  const check = async (checker = newChecker()): Promise<void> => {
    while ((await checker.round()) === 0);
  };
  const news = async (): Promise<CanonicalEvent[]> => {
    const page = { messageKey: null, recipient: null, limit: 99, beforeId: null };
    const types = ['domain.dns_error', 'domain.dns_recovered'] as const;
    return (await store.events.list({ ...page, projectId: PROJECT, types: [...types] })).rows;
  };
  return { ...system, zones, server, newChecker, check, news };
}

test('every domain is looked at once an hour, however many there are', async (t) => {
  const names = Array.from({ length: 12 }, (_, i) => `d${i}.test`);
  const { check, clock, server, store, directory } = await setUp(t, names);
  const asked = (name: string) => server.asked.filter((one) => one === `TXT _dmarc.${name}`).length;
  await check();
  assert.deepEqual([...new Set(names.map(asked))], [2]);
  const all = await store.domains.all();
  assert.ok(all.every(({ verifiedAtMs }) => verifiedAtMs !== null));
  assert.ok(directory.findSender(PROJECT, 'a@news.d7.test')?.record.verifiedAtMs !== null);
  await check();
  await clock.advance(HOUR_MS / 2);
  await check();
  assert.deepEqual([...new Set(names.map(asked))], [2]);
  await clock.advance(HOUR_MS);
  await check();
  assert.deepEqual([...new Set(names.map(asked))], [4]);
});

test('two nodes that look at the same moment tell of a fault once', async (t) => {
  const { check, newChecker, clock, zones, news, store } = await setUp(t, ['shop.test']);
  await check();
  const [name] = Object.keys(zones).filter((zone) => zone.includes('-rsa.'));
  assert.ok(name);
  delete zones[name];
  await clock.advance(2 * HOUR_MS);
  await Promise.all([check(newChecker()), check(newChecker())]);
  assert.deepEqual(
    (await news()).map(({ type }) => type),
    ['domain.dns_error'],
  );
  const [domain] = await store.domains.all();
  assert.ok(domain);
  // It may go on sending: who owns the domain has not changed.
  assert.ok(domain.verifiedAtMs !== null);
  const outcomes = await Promise.allSettled([
    newChecker().check(PROJECT, domain.id),
    newChecker().check(PROJECT, domain.id),
  ]);
  assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof StoreConflict);
  }
});

test('a DNS server that is silent or broken changes nothing', async (t) => {
  const { check, clock, zones, news, store } = await setUp(t, ['shop.test']);
  await check();
  for (const name of Object.keys(zones)) zones[name] = { ...zones[name], isBroken: true };
  await clock.advance(2 * HOUR_MS);
  await check();
  assert.deepEqual(await news(), []);
  const [domain] = await store.domains.all();
  const statuses = domain?.check?.records
    .filter(({ purpose }) => purpose === 'dkim')
    .map(({ status }) => status);
  assert.deepEqual(statuses, ['ok', 'ok']);
});

test('a return path is used as soon as it works, and no longer than it does', async (t) => {
  const { check, clock, zones, directory } = await setUp(t, ['shop.test']);
  const envelopeSender = createEnvelopeSender({
    tokens: { localPart: () => 'bounce+token' },
    directory,
    serverDomain: null,
    isRead: true,
  });
  const from = 'a@shop.test';
  const sender = () =>
    envelopeSender(
      { projectId: PROJECT, id: 'msg_1', envelopeFrom: from, headerFrom: from },
      'mila@example.com',
    );
  zones['mail.posthorn.test'] = { a: ['127.0.0.9'] };
  await check();
  assert.equal(sender(), from);
  zones['bounces.shop.test'] = {
    mx: [{ priority: 10, exchange: 'mail.posthorn.test' }],
    txt: ['v=spf1 a:mail.posthorn.test -all'],
  };
  await clock.advance(2 * HOUR_MS);
  await check();
  assert.equal(sender(), 'bounce+token@bounces.shop.test');
  delete zones['bounces.shop.test'];
  await clock.advance(2 * HOUR_MS);
  await check();
  assert.equal(sender(), from);
});
