import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type CarriedType, EVENT_TYPES, DIALECTS as FORMATS } from '@posthorn/sdk';
import {
  asksFirst,
  batchOf,
  dialectOf,
  findDialectFault,
  leftOutTypes,
  sentTypes,
} from './dialects.ts';
import {
  DEFAULT_ENDPOINT_SETTINGS,
  DIALECTS,
  type DialectName,
  type EndpointSettings,
} from './endpoint-settings.ts';

const page = readFileSync(
  join(import.meta.dirname, '..', '..', '..', '..', '..', 'docs', 'dialects.md'),
  'utf8',
);

const settingsOf = (fields: Partial<EndpointSettings>): EndpointSettings => ({
  ...DEFAULT_ENDPOINT_SETTINGS,
  ...fields,
});
const faultOf = (fields: Partial<EndpointSettings>, types: string[] = ['*'], hasPublicUrl = true) =>
  findDialectFault(settingsOf(fields), types, { hasPublicUrl });

test('the dialects of endpoints are those of the SDK', () => {
  assert.deepEqual([...DIALECTS].sort(), [...FORMATS.keys()].sort());
});

test('what is sent and what is left out are together what was subscribed to', () => {
  for (const dialect of DIALECTS) {
    const sent = sentTypes(['*'], dialect);
    const leftOut = leftOutTypes(['*'], dialect);
    assert.deepEqual([...sent, ...leftOut].sort(), [...EVENT_TYPES].sort(), dialect);
  }
  assert.deepEqual([...sentTypes(['email.opened', 'domain.*'], 'flexmail')], ['email.opened']);
  assert.deepEqual(leftOutTypes(['email.opened', 'email.held'], 'flexmail'), ['email.held']);
});

test('lists have a size of their own where the format is always a list, unless somebody says otherwise', () => {
  assert.equal(batchOf(settingsOf({ dialect: 'postal' })), null);
  assert.equal(batchOf(settingsOf({ dialect: 'cloudevents' })), null);
  const usual = { maxEvents: 1_000, maxWaitMs: 1_000, eventTypes: null };
  assert.deepEqual(batchOf(settingsOf({ dialect: 'sendgrid' })), usual);
  const batch = { maxEvents: 7, maxWaitMs: 10, eventTypes: null };
  assert.equal(batchOf(settingsOf({ dialect: 'sendgrid', batch })), batch);
});

test('the receiver of CloudEvents is asked first, unless the endpoint says not to', () => {
  assert.equal(asksFirst(settingsOf({ dialect: 'cloudevents' })), true);
  const dialectOptions = { handshake: 'none' };
  assert.equal(asksFirst(settingsOf({ dialect: 'cloudevents', dialectOptions })), false);
  assert.equal(asksFirst(settingsOf({})), false);
});

test('a fault names the field, and only what leads nowhere is one', () => {
  for (const dialect of DIALECTS) assert.equal(faultOf({ dialect }), null, dialect);
  assert.equal(faultOf({ dialect: 'flexmail' }, ['email.*']), null);
  const types = faultOf({ dialect: 'flexmail' }, ['email.*', 'email.held']);
  assert.deepEqual([types?.field, types?.at], ['event_types', '1']);
  assert.equal(faultOf({ dialect: 'ses' }, ['*'], false)?.field, 'dialect');
  const batch = { maxEvents: 7, maxWaitMs: 10, eventTypes: null };
  assert.equal(faultOf({ dialect: 'mailgun', batch })?.field, 'batch');
  assert.equal(faultOf({ dialect: 'resend', coalesceMs: 1_000 })?.field, 'coalesce');
  const option = faultOf({ dialect: 'ses', dialectOptions: { topic: 'x' } });
  assert.match(option?.detail ?? '', /has no option "topic".*topic_arn/);
});

/** One row for each type that is carried, as docs/dialects.md has it. */
function rowOf(name: DialectName, type: string, { as, fields }: CarriedType): string {
  const arrow = as === undefined ? '' : ` as \`${as}\``;
  return `| \`${name}\` | \`${type}\`${arrow} | ${fields.map((field) => `\`${field}\``).join(' ')} |`;
}

test('docs/dialects.md says of each dialect what it carries, and has every option', () => {
  const wanted: string[] = [];
  for (const name of DIALECTS) {
    if (name === 'standard' || name === 'cloudevents') continue;
    for (const type of EVENT_TYPES) {
      const carried = dialectOf(name).carries[type];
      if (carried !== undefined) wanted.push(rowOf(name, type, carried));
    }
  }
  const [, after = ''] = page.split('\n## What is carried\n');
  const [section = ''] = after.split('\n## ');
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  assert.deepEqual(rows, wanted);
  for (const name of DIALECTS) {
    for (const option of dialectOf(name).options) {
      assert.ok(page.includes(`| \`${name}\` | \`${option.name}\` |`), `${name} ${option.name}`);
    }
  }
});
