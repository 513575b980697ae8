import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendBody } from './send-schema.ts';
import { toMessages } from './to-messages.ts';

const trackingOf = (settings: unknown, canTrack = true): unknown =>
  toMessages(
    sendBody.parse({
      from: { email: 'orders@shop.example' },
      personalizations: [{ to: [{ email: 'jane@example.com' }] }],
      content: [{ type: 'text/html', value: '<p>Hi</p>' }],
      tracking_settings: settings,
    }),
    canTrack,
  )[0]?.['tracking'];

test('tracking_settings are those of the message, and what they leave out the project decides', () => {
  const both = { open_tracking: { enable: true }, click_tracking: { enable: false } };
  assert.deepEqual(trackingOf(both), { opens: true, clicks: false });
  assert.deepEqual(trackingOf({ click_tracking: { enable: true } }), { clicks: true });
  assert.deepEqual(trackingOf({ open_tracking: {}, click_tracking: null }), {});
  assert.deepEqual(trackingOf(undefined), {});
});

test('where nobody could reach a link they are passed over', () => {
  assert.equal(trackingOf({ open_tracking: { enable: true } }, false), undefined);
});
