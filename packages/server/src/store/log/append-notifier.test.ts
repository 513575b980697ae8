import assert from 'node:assert/strict';
import test from 'node:test';
import { createTestClock, turn } from '../../lib/fixtures/test-clock.ts';
import { createAppendNotifier } from './append-notifier.ts';

function setUp() {
  const clock = createTestClock(0);
  const notifier = createAppendNotifier({ clock, listenersPerProject: 2 });
  const listen = (projectId: string) => {
    const listener = notifier.listen(projectId);
    assert.ok(listener);
    return listener;
  };
  /** Whether the wait has ended by now. */
  const isOver = async (wait: Promise<void>): Promise<boolean> => {
    let over = false;
    void wait.then(() => {
      over = true;
    });
    await turn();
    return over;
  };
  return { clock, notifier, listen, isOver };
}

test('wakes those who wait for this project, and nobody else', async () => {
  const { notifier, listen, isOver } = setUp();
  const [ours, theirs] = [listen('a').wait(1_000), listen('b').wait(1_000)];
  notifier.announce(['a', 'a', 'c']);
  assert.deepEqual([await isOver(ours), await isOver(theirs)], [true, false]);
});

test('what is appended before the wait begins ends it at once, and is told once', async () => {
  const { notifier, listen, isOver } = setUp();
  const listener = listen('a');
  notifier.announce(['a']);
  assert.equal(await isOver(listener.wait(1_000)), true);
  assert.equal(await isOver(listener.wait(1_000)), false);
});

test('a wait ends by itself when its time is over', async () => {
  const { clock, listen, isOver } = setUp();
  const wait = listen('a').wait(1_000);
  await clock.advance(999);
  assert.equal(await isOver(wait), false);
  await clock.advance(1);
  assert.equal(await isOver(wait), true);
  assert.equal(clock.nextAtMs(), null);
});

test('where others append too, a wait is no longer than it takes to look again', async () => {
  const { clock, isOver } = setUp();
  const notifier = createAppendNotifier({ clock, listenersPerProject: 1, pollMs: 500 });
  const listener = notifier.listen('a');
  const wait = listener?.wait(60_000) ?? assert.fail();
  await clock.advance(500);
  assert.equal(await isOver(wait), true);
});

test('somebody who stops leaves no timer, and gives the place to another', async () => {
  const { clock, notifier, listen, isOver } = setUp();
  const [first, second] = [listen('a'), listen('a')];
  assert.equal(notifier.listen('a'), null);
  listen('b');
  const wait = first.wait(1_000);
  first.stop();
  assert.equal(await isOver(wait), true);
  assert.equal(await isOver(first.wait(1_000)), true);
  assert.equal(clock.nextAtMs(), null);
  listen('a').stop();
  second.stop();
  notifier.announce(['a']);
});

test('at the end nobody waits, neither those who do nor those who come', async () => {
  const { notifier, listen, isOver } = setUp();
  const wait = listen('a').wait(60_000);
  notifier.close();
  assert.equal(notifier.isClosed, true);
  assert.equal(await isOver(wait), true);
  assert.equal(await isOver(listen('b').wait(60_000)), true);
});
