import assert from 'node:assert/strict';
import test from 'node:test';
import { createTestClock } from '../lib/fixtures/test-clock.ts';
import { silentLog } from '../lib/log.ts';
import { createDuties } from './duties.ts';

test('a duty begins when it is taken, ends when another has it, and is given up once', async () => {
  const clock = createTestClock(0);
  const heard: string[] = [];
  let answer: boolean | Error = false;
  const duties = createDuties({
    nodes: {
      async takeDuty() {
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    node: 'node_a',
    clock,
    log: silentLog,
  });
  const giveUp = duties.hold('retention', {
    begin: () => heard.push('begin'),
    end: () => heard.push('end'),
  });
  await clock.advance(6_000);
  assert.deepEqual(heard, []);
  answer = true;
  await clock.advance(20_000);
  assert.deepEqual(heard, ['begin']);
  // A database that is away takes nobody's duty.
  answer = new Error('The database is away.');
  await clock.advance(20_000);
  assert.deepEqual(heard, ['begin']);
  answer = false;
  await clock.advance(5_000);
  assert.deepEqual(heard, ['begin', 'end']);
  answer = true;
  await clock.advance(5_000);
  giveUp();
  giveUp();
  await clock.advance(20_000);
  assert.deepEqual(heard, ['begin', 'end', 'begin', 'end']);
});
