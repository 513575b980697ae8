import assert from 'node:assert/strict';
import test from 'node:test';
import { createLoopGauge } from './loop-gauge.ts';

test('the loop is pressed when it was busy all the time lately', () => {
  const use = { active: 5_000, idle: 0 };
  const isPressed = createLoopGauge(() => ({ ...use }));
  assert.equal(isPressed(), false, 'what was before is not known');
  use.active += 200;
  assert.equal(isPressed(), false, 'too short to tell');
  use.active += 200;
  assert.equal(isPressed(), true);
  use.active += 100;
  use.idle += 100;
  assert.equal(isPressed(), true);
  use.active += 100;
  assert.equal(isPressed(), false, 'a third of it was idle');
  use.active += 910;
  use.idle += 90;
  assert.equal(isPressed(), true);
});
