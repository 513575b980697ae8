import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DsnRequest } from '../core/mail/dsn.ts';
import {
  faultOfDsnParameters,
  formatMailParameters,
  formatRcptParameters,
  readDsnRequest,
} from './dsn-parameters.ts';

const TO = 'b@example.com';

test('reads what MAIL and RCPT asked for', () => {
  const mailFrom = { address: 'a@example.org', args: { RET: 'hdrs', ENVID: 'order 7' } };
  const rcptTo = [
    {
      address: TO,
      args: {},
      dsn: { notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;b+c@example.com' },
    },
    { address: 'c@example.com', args: {}, dsn: { notify: ['NEVER'] } },
    { address: 'd@example.com', args: false as const },
    { address: 'e@example.com', args: {}, dsn: { orcpt: 'rfc822;E@example.com' } },
  ];
  assert.deepEqual(readDsnRequest({ mailFrom, rcptTo }), {
    ret: 'hdrs',
    envid: 'order 7',
    recipients: [
      { recipient: TO, notify: ['success', 'delay'], orcpt: 'rfc822;b+c@example.com' },
      { recipient: 'c@example.com', notify: [], orcpt: null },
    ],
  });
  const plain = { address: 'a@example.org', args: { SIZE: '100' } };
  assert.equal(readDsnRequest({ mailFrom: plain, rcptTo: [{ address: TO, args: false }] }), null);
});

test('writes them for the next server, with xtext', () => {
  const request: DsnRequest = {
    ret: 'full',
    envid: 'order 7+1=8',
    recipients: [
      { recipient: TO, notify: [], orcpt: 'rfc822;b+c@example.com' },
      { recipient: 'c@example.com', notify: ['failure', 'delay'], orcpt: 'utf-8;jösé@example.com' },
    ],
  };
  assert.equal(formatMailParameters(request), ' RET=FULL ENVID=order+207+2B1+3D8');
  assert.equal(formatRcptParameters(request, TO), ' NOTIFY=NEVER ORCPT=rfc822;b+2Bc@example.com');
  assert.equal(formatRcptParameters(request, 'c@example.com'), ' NOTIFY=FAILURE,DELAY');
  assert.equal(formatRcptParameters(request, 'd@example.com'), '');
});

test('nothing that is written can end a command', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  fc.assert(
    fc.property(text, text, (envid, orcpt) => {
      const recipients = [{ recipient: TO, notify: null, orcpt: `rfc822;${orcpt}` }];
      const request: DsnRequest = { ret: null, envid, recipients };
      const written = formatMailParameters(request) + formatRcptParameters(request, TO);
      assert.match(written, /^[ -~]*$/);
      assert.ok(written.split(' ').length <= 3);
    }),
  );
});

test('refuses ids that are too long', () => {
  const of = (args: Record<string, string>) => faultOfDsnParameters({ address: TO, args });
  assert.equal(of({ ENVID: 'x'.repeat(100), ORCPT: `rfc822;${'x'.repeat(493)}` }), null);
  assert.match(of({ ENVID: '+'.repeat(40) }) ?? '', /ENVID/);
  assert.match(of({ ORCPT: `rfc822;${'x'.repeat(494)}` }) ?? '', /ORCPT/);
});
