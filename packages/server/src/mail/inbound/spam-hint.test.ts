import assert from 'node:assert/strict';
import test from 'node:test';
import type { EventAuthentication } from '@posthorn/sdk';
import { findAutomatic, hintAtSpam } from './spam-hint.ts';

const results = (spf: string, dkim: string, dmarc: string): EventAuthentication => ({
  spf: { result: spf },
  dkim: { result: dkim, signatures: [] },
  dmarc: { result: dmarc },
  arc: { result: 'none' },
});
const GOOD = results('pass', 'pass', 'pass');
const header = (name: string, value: string) => ({ name, value });

test('what authenticates and is not flagged is not suspected', () => {
  assert.deepEqual(hintAtSpam([header('Subject', 'spam')], GOOD), {
    suspected: false,
    reasons: [],
  });
});

test('a failed DMARC or SPF suspects, unless the mail was forwarded with its signature', () => {
  assert.deepEqual(hintAtSpam([], results('fail', 'none', 'fail')), {
    suspected: true,
    reasons: ['dmarc_fail', 'spf_fail', 'not_authenticated'],
  });
  assert.equal(hintAtSpam([], results('fail', 'pass', 'pass')).suspected, false);
  assert.deepEqual(hintAtSpam([], results('none', 'none', 'none')), {
    suspected: false,
    reasons: ['not_authenticated'],
  });
});

test('filters on the way are believed when they say spam, and not when they say none', () => {
  for (const [name, value] of [
    ['X-Spam-Flag', 'YES'],
    ['X-Spam-Status', 'Yes, score=12.1 required=5.0'],
    ['X-Rspamd-Action', 'add header'],
    ['X-MS-Exchange-Organization-SCL', '9'],
    ['X-Forefront-Antispam-Report', 'CIP:1.2.3.4;SCL:5;SRV:;'],
  ] as const)
    assert.deepEqual(hintAtSpam([header(name, value)], GOOD).reasons, ['flagged_on_the_way'], name);
  for (const [name, value] of [
    ['X-Spam-Flag', 'NO'],
    ['X-Spam-Status', 'No, score=-1'],
    ['X-MS-Exchange-Organization-SCL', '-1'],
    ['X-Forefront-Antispam-Report', 'SCL:1;'],
  ] as const)
    assert.equal(hintAtSpam([header(name, value)], GOOD).suspected, false, name);
});

test('two From headers suspect', () => {
  const headers = [header('From', 'a@b.test'), header('from', 'c@d.test')];
  assert.deepEqual(hintAtSpam(headers, GOOD).reasons, ['several_from']);
});

test('says what wrote a mail, where no person did', () => {
  assert.equal(
    findAutomatic([header('Auto-Submitted', 'auto-replied; x=y')], 'a@b'),
    'auto-replied',
  );
  assert.equal(findAutomatic([header('Auto-Submitted', 'no')], 'a@b'), null);
  assert.equal(findAutomatic([header('X-Autoreply', 'yes')], 'a@b'), 'auto-replied');
  assert.equal(findAutomatic([header('Precedence', 'bulk')], 'a@b'), 'bulk');
  assert.equal(findAutomatic([header('List-Id', '<x>')], 'a@b'), 'bulk');
  assert.equal(findAutomatic([], ''), 'auto-generated');
  assert.equal(findAutomatic([], 'a@b'), null);
});
