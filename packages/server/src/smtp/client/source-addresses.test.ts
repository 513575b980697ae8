import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkSourceAddresses,
  createSourceAddresses,
  type SourceAddress,
} from './source-addresses.ts';

const DAY_MS = 86_400_000;

function setUp(...addresses: (Partial<SourceAddress> & { address: string })[]) {
  const counted = new Map<string, number>();
  let nowMs = 0;
  const sources = createSourceAddresses({
    addresses: addresses.map((one) => ({ weight: 1, warmingSinceMs: null, ...one })),
    warmup: [2, 5],
    usage: {
      sentToday: (address) => counted.get(address) ?? 0,
      add: (address, count) => counted.set(address, (counted.get(address) ?? 0) + count),
    },
    now: () => nowMs,
  });
  const next = (destination = '198.51.100.1'): string => {
    const choice = sources.next(destination);
    return choice.kind === 'address' ? choice.address : choice.kind;
  };
  return {
    sources,
    counted,
    next,
    to(ms: number) {
      nowMs = ms;
    },
  };
}

test('take turns within the family of the destination', () => {
  const { next } = setUp(
    { address: '192.0.2.1' },
    { address: '2001:db8::1' },
    { address: '192.0.2.2' },
  );
  const order = ['198.51.100.1', '198.51.100.2', '2001:db8::9', '198.51.100.1', '2001:db8::9'];
  assert.deepEqual(order.map(next), [
    '192.0.2.1',
    '192.0.2.2',
    '2001:db8::1',
    '192.0.2.1',
    '2001:db8::1',
  ]);
});

test('the system chooses where none are given, or the destination is a name', () => {
  assert.equal(setUp().next('198.51.100.1'), 'system');
  assert.equal(setUp({ address: '192.0.2.1' }).next('relay.example.com'), 'system');
  assert.equal(setUp({ address: '192.0.2.1' }).next('2001:db8::9'), 'none');
});

test('who weighs more comes more often, and not in a row', () => {
  const { next } = setUp({ address: '192.0.2.1', weight: 3 }, { address: '192.0.2.2' });
  const chosen = Array.from({ length: 8 }, () => next().at(-1));
  assert.deepEqual(chosen.join(''), '11211121');
});

test('an address that is warmed up has a number for each day; what is over goes to the others', () => {
  const { next, sources, to, counted } = setUp(
    { address: '192.0.2.1', warmingSinceMs: 0 },
    { address: '192.0.2.2' },
  );
  assert.deepEqual([next(), next()], ['192.0.2.1', '192.0.2.2']);
  sources.sent('192.0.2.1', 2);
  assert.equal(sources.mayUse('192.0.2.1'), false);
  assert.deepEqual([next(), next(), next()], Array(3).fill('192.0.2.2'));
  to(DAY_MS);
  assert.equal(sources.mayUse('192.0.2.1'), true);
  sources.sent('192.0.2.1', 3);
  assert.equal(sources.mayUse('192.0.2.1'), false);
  to(2 * DAY_MS);
  assert.equal(sources.mayUse('192.0.2.1'), true);
  sources.sent('192.0.2.2', 7);
  assert.deepEqual([...counted], [['192.0.2.1', 5]]);
});

test('where all of them have sent what they may, there is none until tomorrow', () => {
  const { next, sources } = setUp({ address: '192.0.2.1', warmingSinceMs: 0 });
  sources.sent('192.0.2.1', 2);
  assert.equal(next(), 'full');
  assert.equal(next('2001:db8::9'), 'none');
  const later = setUp({ address: '192.0.2.1', warmingSinceMs: DAY_MS });
  assert.equal(later.next(), 'full');
});

test('an address that this machine does not have is refused', async () => {
  await checkSourceAddresses(['127.0.0.1', '127.0.0.9']);
  await assert.rejects(
    checkSourceAddresses(['127.0.0.1', '192.0.2.77']),
    /^Error: mail_source_addresses: 192\.0\.2\.77 is not an address of this machine.*EADDRNOTAVAIL/,
  );
});
