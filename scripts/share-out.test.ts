import assert from 'node:assert/strict';
import { it } from 'node:test';
import { shareOut } from './share-out.ts';

it('lets files of rooms that leave nothing behind share a process, twelve at most', () => {
  const room = (name: string) => `packages/server/src/${name}.test.ts`;
  const many = Array.from({ length: 13 }, (_, i) => room(`lib/file-${i + 10}`));
  const files = [room('core/mocks'), room('core/ids'), ...many, room('store/engine')];
  const read = (file: string) => (file.includes('mocks') ? 'mock.timers.enable()' : 'assert()');
  assert.deepEqual(shareOut(files, read), [
    [room('core/mocks')],
    [room('store/engine')],
    [room('core/ids'), ...many.slice(0, 11)],
    many.slice(11),
  ]);
});
