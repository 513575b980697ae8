import assert from 'node:assert/strict';
import test from 'node:test';
import { DELIVERY_STATES, isLiveState, shownDeliveryState } from './delivery-state.ts';

test('what is pending in the store is shown by whether it was tried and who has it', () => {
  const pending = { state: 'pending', node: null, attempts: 0 } as const;
  assert.equal(shownDeliveryState(pending), 'pending');
  assert.equal(shownDeliveryState({ ...pending, attempts: 3 }), 'retrying');
  assert.equal(shownDeliveryState({ ...pending, node: 'node_1' }), 'in_flight');
  assert.equal(shownDeliveryState({ ...pending, node: 'node_1', attempts: 3 }), 'in_flight');
});

test('what has ended is shown as it ended', () => {
  for (const state of ['delivered', 'dead', 'skipped', 'canceled'] as const) {
    assert.equal(shownDeliveryState({ state, node: null, attempts: 2 }), state);
    assert.equal(isLiveState(state), false);
  }
  const live = DELIVERY_STATES.filter(isLiveState);
  assert.deepEqual(live, ['pending', 'in_flight', 'retrying']);
});
