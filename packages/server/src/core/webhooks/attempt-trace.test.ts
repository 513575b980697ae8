import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type AttemptTrace, decodeAttemptTrace, encodeAttemptTrace } from './attempt-trace.ts';

const text = fc.string({ unit: 'binary' });
const ms = fc.option(fc.nat(30_000));
const plain = { noNullPrototype: true };
const timing = fc.record(
  {
    dnsMs: ms,
    connectMs: ms,
    tlsMs: ms,
    firstByteMs: ms,
    remoteAddress: fc.option(text),
    reused: fc.boolean(),
  },
  plain,
);
const headers = fc.array(text, { maxLength: 8 });
const traces: fc.Arbitrary<AttemptTrace> = fc.record(
  {
    signature: fc.option(text),
    responseHeaders: fc.option(headers),
    timing: fc.option(timing),
    sharedId: fc.option(text),
    headers,
    transformedBy: fc.nat(),
  },
  { ...plain, requiredKeys: ['signature', 'responseHeaders', 'timing', 'sharedId'] },
);

test('a trace is read back as it was written', () => {
  fc.assert(
    fc.property(traces, (trace) => {
      assert.deepEqual(decodeAttemptTrace(encodeAttemptTrace(trace)), trace);
    }),
  );
});

test('a trace names no fields, since every delivery stores one', () => {
  const trace = {
    signature: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
    responseHeaders: ['content-type', 'text/plain', 'x-request-id', '7'],
    timing: {
      dnsMs: 2,
      connectMs: 11,
      tlsMs: 24,
      firstByteMs: 61,
      remoteAddress: '203.0.113.7',
      reused: false,
    },
    sharedId: null,
  };
  assert.equal(
    encodeAttemptTrace(trace),
    '["v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",["content-type","text/plain",' +
      '"x-request-id","7"],[2,11,24,61,"203.0.113.7",0],null]',
  );
});
