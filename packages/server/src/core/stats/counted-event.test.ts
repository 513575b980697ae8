import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleEvent } from '../events/event-samples.ts';
import { COUNTED_TYPES, toCountedEvent } from './counted-event.ts';

test("a mail of Posthorn's own is not counted, and so no alert fires because of what another has mailed", () => {
  for (const type of COUNTED_TYPES) {
    const { data, ...rest } = sampleEvent(type, { id: 'evt_1', atMs: 1_795_168_800_000 });
    const { test: _, ...real } = data;
    const event = { ...rest, data: { ...real, engagement: { machine: false } } };
    assert.notEqual(toCountedEvent(event, 'msg_1'), null, type);
    const notice = { ...event, data: { ...event.data, tags: ['posthorn-notice'] } };
    assert.equal(toCountedEvent(notice, 'msg_1'), null, type);
  }
});
