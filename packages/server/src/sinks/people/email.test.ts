import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventType } from '@posthorn/sdk';
import { sampleEvent } from '../../core/events/event-samples.ts';
import { systemClock } from '../../lib/clock.ts';
import type { SinkItem, SinkNotice } from '../contract.ts';
import { toItem } from '../fixtures/to-item.ts';
import { findSinkKind } from '../sink-kinds.ts';

const kind = findSinkKind('email');
assert.ok(kind);

function itemOf(type: EventType, position: number, made?: unknown): SinkItem {
  const event = sampleEvent(type, { id: `evt_${position}`, atMs: 1_795_168_800_000 });
  return toItem(position, event, made);
}

/** What is mailed of these. */
async function mailsOf(items: readonly SinkItem[], settings: object = {}): Promise<SinkNotice[]> {
  const mails: SinkNotice[] = [];
  const given = kind?.settings.parse({ to: 'anna@example.com', ...settings });
  const connection = await kind?.open(given, {
    http: { request: () => assert.fail() },
    addressOf: () => assert.fail(),
    mail: async (notices) => {
      mails.push(...notices);
    },
    clock: systemClock,
    projectId: 'prj_1',
    sinkId: 'snk_1',
  });
  assert.deepEqual(await connection?.send(items, new AbortController().signal), []);
  return mails;
}

test('one event is told in its own words, to each person in a mail of his own', async () => {
  const mails = await mailsOf([itemOf('email.bounced', 1)], {
    to: 'anna@example.com, ben@example.com; anna@example.com',
  });
  assert.deepEqual(
    mails.map(({ to, projectId }) => [to, projectId]),
    [
      ['anna@example.com', 'prj_1'],
      ['ben@example.com', 'prj_1'],
    ],
  );
  const [{ subject = '', text = '' } = {}] = mails;
  assert.equal(subject, '[Posthorn] Bounced: jane.doe@example.com');
  assert.match(text, /^Bounced: jane.doe@example.com\n {2}Message: {2}\S/);
  assert.match(text, /\n\n-- \nSent by the sink snk_1 of Posthorn, at most once in 5 min\.\n$/);
});

test('what has gathered is one mail, the gravest first, and what is too much is counted', async () => {
  const items = Array.from({ length: 70 }, (_, i) => itemOf('email.delivered', i));
  items.push(itemOf('email.complained', 70), itemOf('email.bounced', 71));
  const [{ subject = '', text = '' } = {}] = await mailsOf(items);
  assert.equal(
    subject,
    '[Posthorn] 72 events: 70 email.delivered, 1 email.complained, 1 email.bounced',
  );
  const [lead, first, second, third] = text.split('\n\n');
  assert.match(lead ?? '', /^72 events, the gravest first: 70 email\.delivered/);
  assert.match(`${first}`, /^Complained/);
  assert.match(`${second}`, /^Bounced/);
  assert.match(`${third}`, /^Delivered/);
  assert.equal(text.match(/^Delivered/gm)?.length, 48);
  assert.match(text, /\n22 more are not shown: 22 email\.delivered\.\n/);
});

test('an expression writes its own text and subject; neither makes other lines of a header', async () => {
  const one = itemOf('email.bounced', 1, {
    subject: 'Oh\r\nBcc: eve@example.com',
    text: 'It came back.',
  });
  const [{ subject = '', text = '' } = {}] = await mailsOf([one]);
  assert.equal(subject, '[Posthorn] Oh Bcc: eve@example.com');
  assert.match(text, /^It came back\.\n\n-- \n/);
  const [mere] = await mailsOf([itemOf('email.bounced', 1, 'x'.repeat(5_000))]);
  assert.match(mere?.text ?? '', /^x{1999}…\n/);
  const [other] = await mailsOf([itemOf('email.bounced', 1, { n: [1] })]);
  assert.match(other?.text ?? '', /^\{\n {2}"n": \[/);
});

test('it never gets what is about mails of Posthorn itself', () => {
  const { event } = itemOf('email.bounced', 1);
  assert.equal(kind.ignores?.(event), false);
  event.data.tags = ['own', 'posthorn-notice'];
  assert.equal(kind.ignores?.(event), true);
  const { event: dead } = itemOf('delivery.exhausted', 2);
  assert.equal(kind.ignores?.(dead), false);
  dead.data.tags = ['posthorn-notice'];
  assert.equal(kind.ignores?.(dead), true);
});

test('what a provider says of mail to its own people is mailed to nobody: that mail may be ours', async () => {
  const ours = itemOf('email.delivered', 1);
  ours.event.data.provider = 'ses';
  const settings = { to: 'Jane.Doe@example.com, ben@example.com' };
  assert.deepEqual(await mailsOf([ours], settings), []);
  const [{ subject = '' } = {}] = await mailsOf([ours, itemOf('email.bounced', 2)], settings);
  assert.equal(subject, '[Posthorn] Bounced: jane.doe@example.com');
});

test('addresses are checked, and it mails at most once a minute', () => {
  for (const [settings, field] of [
    [{ to: 'anna@example.com, ben' }, 'to'],
    [{ to: ' , ' }, 'to'],
    [{ to: Array.from({ length: 21 }, (_, i) => `a${i}@example.com`).join(',') }, 'to'],
    [{ to: 'anna@example.com', every_seconds: 59 }, 'every_seconds'],
  ] as const) {
    assert.deepEqual(kind.settings.safeParse(settings).error?.issues[0]?.path, [field]);
  }
  const settings = kind.settings.parse({ to: 'anna@example.com', every_seconds: 90 });
  assert.equal(kind.spacingMs?.(settings), 90_000);
});
