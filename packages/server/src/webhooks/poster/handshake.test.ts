import assert from 'node:assert/strict';
import test from 'node:test';
import type { PostResult } from '../post/post-result.ts';
import { readPermission } from './handshake.ts';

const HOST = 'posthorn.test';

function answered(headers: Record<string, string>, status = 200): PostResult {
  return {
    status,
    errorCode: status < 300 ? null : status === 410 ? 'gone' : 'http_status',
    errorDetail: null,
    retryAfter: null,
    responseExcerpt: null,
    responseHeaders: Object.entries(headers).flat(),
    timing: null,
    latencyMs: 1,
  };
}

const codeOf = (result: PostResult): string | null => {
  const permission = readPermission(result, HOST);
  return 'refusal' in permission ? permission.refusal.errorCode : null;
};

test('who names us, or everybody, lets us in at the rate that it says', () => {
  for (const [rate, allowedPerMinute] of [
    ['120', 120],
    ['*', null],
    ['0', null],
    ['soon', null],
    [' 7 ', 7],
  ] as const) {
    const headers = { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': rate };
    assert.deepEqual(readPermission(answered(headers), HOST), { allowedPerMinute });
  }
  const named = answered({ 'Webhook-Allowed-Origin': 'Posthorn.Test' }, 204);
  assert.deepEqual(readPermission(named, HOST), { allowedPerMinute: null });
});

test('any other answer is a refusal that says what to answer', () => {
  assert.equal(codeOf(answered({})), 'handshake_refused');
  assert.equal(codeOf(answered({ 'webhook-allowed-origin': 'other.test' })), 'handshake_refused');
  assert.equal(codeOf(answered({ 'webhook-allowed-origin': '*' }, 405)), 'handshake_refused');
  const permission = readPermission(answered({}, 404), HOST);
  assert.ok('refusal' in permission);
  assert.match(permission.refusal.errorDetail ?? '', /404.*WebHook-Allowed-Origin: posthorn\.test/);
});

test('no answer, and 410, mean what they mean after a post', () => {
  const timeout = { ...answered({}), status: null, errorCode: 'timeout' as const };
  assert.equal(codeOf(timeout), 'timeout');
  assert.equal(codeOf(answered({ 'webhook-allowed-origin': '*' }, 410)), 'gone');
});
