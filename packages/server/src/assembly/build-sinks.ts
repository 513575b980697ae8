import { lookup } from 'node:dns';
import { createExpressionEvaluator } from '../lib/expression/evaluator.ts';
import { createSinkRoom, type SinkRoom } from '../sinks/create-sinks.ts';
import { resolveForSinks } from '../sinks/dialing/resolve-address.ts';
import { createSinkHttp } from '../sinks/dialing/sink-http.ts';
import { sinkContext } from '../store/sealed-values.ts';
import { guardLookup, shareLookups } from '../webhooks/post/connect/guarded-lookup.ts';
import type { Webhooks } from './build-webhooks.ts';
import type { Basics } from './open-basics.ts';

export interface Sinks {
  sinkRoom: SinkRoom;
  /** Ends what is under way, and closes what was opened. */
  stop(): Promise<void>;
}

/** Queues, streams, warehouses, chats and incident systems that get the events. */
export function buildSinks(basics: Basics, { guard }: Pick<Webhooks, 'guard'>): Sinks {
  const { store, projects, secretBox, clock, random, log, retentionMs } = basics;
  const find = guardLookup(guard, shareLookups(lookup));
  const http = createSinkHttp({ guard, lookup: find });
  const evaluator = createExpressionEvaluator();
  const sinkRoom = createSinkRoom({
    sinks: store.sinks,
    places: store.sinkPlaces,
    feed: store.feed,
    surroundings: { http, addressOf: resolveForSinks(guard, find), clock },
    compile: (expression) => (event) => evaluator.evaluate(expression, event),
    secretBox,
    contextOf: sinkContext,
    projectExists: (projectId) => projects.find(projectId) !== null,
    retentionMs,
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
