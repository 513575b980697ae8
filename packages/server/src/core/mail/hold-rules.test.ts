import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileHoldRules, type HoldQuestion, type HoldRule } from './hold-rules.ts';

const MESSAGE: HoldQuestion = {
  from: 'news@shop.example',
  recipients: ['anna@a.example', 'zoe@mail.z.example'],
  stream: 'broadcast',
  tags: ['spring', 'sale'],
  metadata: { plan: 'free' },
  headers: [
    { name: 'Subject', value: 'Everything must go' },
    { name: 'X-Campaign', value: 'Spring-2026' },
  ],
  sizeBytes: 2_000,
};

function isHeldBy(rule: Omit<HoldRule, 'name'>, fields: Partial<HoldQuestion> = {}): boolean {
  return compileHoldRules([{ name: 'It', ...rule }])({ ...MESSAGE, ...fields }) === 'It';
}

test('a rule asks in the words of a filter, and one recipient is enough', () => {
  assert.ok(isHeldBy({ filter: { recipient_domain: ['*.z.example'] } }));
  assert.ok(!isHeldBy({ filter: { recipient_domain: ['z.example'] } }));
  assert.ok(isHeldBy({ filter: { recipient: ['anna@A.example'] } }));
  assert.ok(isHeldBy({ filter: { from_domain: ['shop.example'], stream: ['broadcast'] } }));
  assert.ok(!isHeldBy({ filter: { from_domain: ['shop.example'], stream: ['transactional'] } }));
  assert.ok(isHeldBy({ filter: { tag: ['sale'] } }));
  assert.ok(!isHeldBy({ filter: { tag: ['sale'] } }, { tags: [] }));
  assert.ok(isHeldBy({ filter: { metadata: { plan: ['free'] } } }));
  assert.ok(!isHeldBy({ filter: { not: { from_domain: ['shop.example'] } } }));
});

test('a rule asks for headers: whole values, beginnings, or that there is one', () => {
  const has = (values: string[], name = 'x-campaign') => isHeldBy({ headers: { [name]: values } });
  assert.ok(has(['spring-2026']));
  assert.ok(!has(['spring']));
  assert.ok(has(['autumn', 'spring*']));
  assert.ok(has(['*']));
  assert.ok(!has(['*'], 'x-other'));
  assert.ok(isHeldBy({ headers: { 'X-Campaign': ['*'], subject: ['everything*'] } }));
  assert.ok(!isHeldBy({ headers: { 'X-Campaign': ['*'], subject: ['nothing*'] } }));
});

test('a rule asks for the size, and all of its conditions have to hold', () => {
  assert.ok(isHeldBy({ largerThanBytes: 1_999 }));
  assert.ok(!isHeldBy({ largerThanBytes: 2_000 }));
  assert.ok(isHeldBy({ largerThanBytes: 1, filter: { tag: ['sale'] } }));
  assert.ok(!isHeldBy({ largerThanBytes: 1, filter: { tag: ['other'] } }));
});

test('what a spam filter has marked is known by its headers', () => {
  const marked = (name: string, value: string) =>
    isHeldBy({ spamFlagged: true }, { headers: [{ name, value }] });
  assert.ok(marked('X-Spam-Flag', 'YES'));
  assert.ok(marked('X-Spam-Status', 'Yes, score=9.1 required=5.0'));
  assert.ok(marked('x-spam', 'yes'));
  assert.ok(!marked('X-Spam-Status', 'No, score=0.1'));
  assert.ok(!marked('X-Spam-Score', '9.1'));
  assert.ok(!isHeldBy({ spamFlagged: true }));
});

test('the first rule that holds gives its name, and no rules hold nothing', () => {
  const rules = compileHoldRules([
    { name: 'Large', largerThanBytes: 1_000_000 },
    { name: 'Sale', filter: { tag: ['sale'] } },
    { name: 'Any', largerThanBytes: 0 },
  ]);
  assert.equal(rules(MESSAGE), 'Sale');
  assert.equal(rules({ ...MESSAGE, tags: [] }), 'Any');
  assert.equal(compileHoldRules([])(MESSAGE), null);
});
