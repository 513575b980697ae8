import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestMosquitto, withoutMosquitto } from '../fixtures/servers/mosquitto.ts';
import { itemAt, openSink, testSinkKind } from '../fixtures/test-sink-kind.ts';
import { toItem } from '../fixtures/to-item.ts';

testSinkKind(
  { kind: 'mqtt', missing: withoutMosquitto, dropsRepeats: false, survivesKill: false },
  startTestMosquitto,
);

test('an event that is larger than what the broker takes is put aside alone', {
  skip: withoutMosquitto,
}, async (t) => {
  const { server, settings, read } = await startTestMosquitto();
  t.after(() => server.stop());
  const sink = await openSink('mqtt', settings);
  t.after(() => sink.close());
  const items = [itemAt(1), toItem(2, itemAt(2).event, 'x'.repeat(20_000)), itemAt(3)];
  const refusals = await sink.send(items, new AbortController().signal);
  assert.deepEqual(
    refusals.map(({ index }) => index),
    [1],
  );
  assert.match(refusals[0]?.detail ?? '', /takes packets of 20000 bytes: the event has 20002/);
  assert.ok((await read()).every((id) => id !== 'evt_000002'));
});
