import assert from 'node:assert/strict';
import { test } from 'node:test';
import { classifyEngagement, type EngagementHistory } from './classify-engagement.ts';
import { MACHINE_RULES } from './machine-rules.ts';

const NOW_MS = 1_795_168_800_000;
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0 Safari/537.36';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';

function verdict(
  request: Partial<Parameters<typeof classifyEngagement>[0]> = {},
  history: Partial<EngagementHistory> = {},
) {
  return classifyEngagement(
    { kind: 'open', userAgent: CHROME, ip: '203.0.113.9', atMs: NOW_MS, linkId: null, ...request },
    { deliveredAtMs: NOW_MS - 60_000, clicks: [], ...history },
  );
}

test('a person with a browser or a phone is a person', () => {
  for (const userAgent of [CHROME, IPHONE, '', null]) {
    for (const kind of ['open', 'click'] as const) {
      assert.deepEqual(verdict({ userAgent, kind, linkId: '1' }), {
        machine: false,
        reason: null,
        client: null,
      });
    }
  }
});

test('Apple loads in advance; Google and Yahoo may, or a person reads', () => {
  assert.deepEqual(verdict({ userAgent: 'Mozilla/5.0' }), {
    machine: true,
    reason: 'apple_mpp',
    client: 'Apple Mail Privacy Protection',
  });
  const gmail =
    'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)';
  assert.equal(verdict({ userAgent: gmail }).machine, null);
  assert.equal(verdict({ userAgent: gmail }).reason, 'gmail_proxy');
  assert.equal(verdict({ userAgent: gmail, atMs: NOW_MS - 59_000 }).machine, true);
  const yahoo = 'YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html';
  assert.deepEqual(
    [verdict({ userAgent: yahoo }).machine, verdict({ userAgent: yahoo }).client],
    [null, 'Yahoo Mail'],
  );
});

test('scanners are known by their names and networks', () => {
  const click = { kind: 'click', linkId: '1' } as const;
  for (const [userAgent, reason] of [
    ['BarracudaCentral/1.0', 'security_scanner'],
    ['python-requests/2.31', 'program'],
    ['Mozilla/5.0 (X11; Linux) HeadlessChrome/120', 'program'],
    ['Slackbot-LinkExpanding 1.0', 'link_preview'],
  ] as const) {
    assert.deepEqual(verdict({ ...click, userAgent }), { machine: true, reason, client: null });
  }
  for (const ip of ['40.107.1.2', '::ffff:104.47.3.4', '2a01:111:f403:1::9']) {
    assert.equal(verdict({ ...click, ip }).reason, 'microsoft_scanner', ip);
  }
  for (const ip of ['40.108.0.1', 'not an address', null]) {
    assert.equal(verdict({ ...click, ip }).machine, false, String(ip));
  }
});

test('what comes before the message, or with it, is no person', () => {
  assert.equal(verdict({}, { deliveredAtMs: null }).reason, 'before_delivery');
  assert.equal(verdict({}, { deliveredAtMs: NOW_MS - 1_999 }).reason, 'instant');
  assert.equal(verdict({}, { deliveredAtMs: NOW_MS - 2_000 }).machine, false);
});

test('three links in ten seconds are no person, one link three times is', () => {
  const clicks = [
    { linkId: '1', atMs: NOW_MS - 9_999 },
    { linkId: '2', atMs: NOW_MS - 5_000 },
  ];
  const click = { kind: 'click', linkId: '3' } as const;
  assert.equal(verdict(click, { clicks }).reason, 'every_link');
  assert.equal(verdict({ ...click, linkId: '2' }, { clicks }).machine, false);
  const older = [{ linkId: '1', atMs: NOW_MS - 10_000 }, ...clicks.slice(1)];
  assert.equal(verdict(click, { clicks: older }).machine, false);
});

test('each rule has a source, and something that it goes by', () => {
  for (const rule of MACHINE_RULES) {
    assert.match(rule.source, /https:\/\//, rule.reason);
    assert.ok(rule.userAgent !== undefined || (rule.networks ?? []).length > 0, rule.reason);
  }
});
