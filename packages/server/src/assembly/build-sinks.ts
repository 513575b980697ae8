import { lookup } from 'node:dns';
import { createExpressionEvaluator } from '../lib/expression/evaluator.ts';
import { createLoopGauge } from '../lib/loop-gauge.ts';
import { SinkTrouble } from '../sinks/contract.ts';
import { createSinkRoom, type SinkRoom } from '../sinks/create-sinks.ts';
import { resolveForSinks } from '../sinks/dialing/resolve-address.ts';
import { createSinkHttp } from '../sinks/dialing/sink-http.ts';
import { StoreUnavailable } from '../store/engine.ts';
import { sinkContext } from '../store/sealed-values.ts';
import { guardLookup, shareLookups } from '../webhooks/post/connect/guarded-lookup.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';
import { createNoticeSender, type Notice } from './send-notices.ts';

export interface Sinks {
  sinkRoom: SinkRoom;
  /** Ends what is under way, and closes what was opened. */
  stop(): Promise<void>;
}

type NoticeAcceptor = ReturnType<Parameters<typeof createNoticeSender>[1]>;

/** Queues, streams, warehouses, chats, people and incident systems that get the events. */
export function buildSinks(
  basics: Basics,
  { guard, acceptor }: Pick<Webhooks, 'guard'> & { acceptor: () => NoticeAcceptor },
): Sinks {
  const { store, projects, secretBox, clock, random, log, retentionMs } = basics;
  const find = guardLookup(guard, shareLookups(lookup));
  const http = createSinkHttp({ guard, lookup: find });
  const send = createNoticeSender(basics, acceptor);
  async function mail(notices: readonly Notice[]): Promise<void> {
    try {
      await send(notices);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      throw new SinkTrouble('unavailable', 'The store is away.', { cause: error });
    }
  }
  const evaluator = createExpressionEvaluator();
  const sinkRoom = createSinkRoom({
    sinks: store.sinks,
    places: store.sinkPlaces,
    feed: store.feed,
    surroundings: { http, addressOf: resolveForSinks(guard, find), mail, clock },
    compile: (expression) => (json) => evaluator.evaluateText(expression, json),
    secretBox,
    contextOf: sinkContext,
    projectExists: (projectId) => projects.find(projectId) !== null,
    retentionMs,
    isPressed: createLoopGauge(),
    clock,
    random,
    log,
  });
  return {
    sinkRoom,
    async stop() {
      await sinkRoom.stop();
      evaluator.close();
      await http.close();
    },
  };
}
