import { startTestRabbit, withoutRabbit } from '../fixtures/servers/rabbitmq.ts';
import { testSinkKind } from '../fixtures/test-sink-kind.ts';

testSinkKind(
  { kind: 'rabbitmq', missing: withoutRabbit, dropsRepeats: false, survivesKill: true },
  startTestRabbit,
);
