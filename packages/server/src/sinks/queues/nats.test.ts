import { startTestNats, withoutNats } from '../fixtures/servers/nats.ts';
import { testSinkKind } from '../fixtures/test-sink-kind.ts';

testSinkKind(
  { kind: 'nats', missing: withoutNats, dropsRepeats: true, survivesKill: true },
  startTestNats,
);
