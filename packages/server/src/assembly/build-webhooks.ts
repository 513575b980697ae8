import { createExpressionEvaluator } from '../lib/expression/evaluator.ts';
import { type AddressGuard, createAddressGuard } from '../lib/network/address-guard.ts';
import type { LeaseFence } from '../nodes/lease-fence.ts';
import {
  createDispatcher,
  type Dispatcher,
  type DispatcherOptions,
} from '../webhooks/dispatcher.ts';
import {
  createEndpointDirectory,
  type EndpointDirectory,
} from '../webhooks/endpoints/endpoint-directory.ts';
import type { EndpointDefaults } from '../webhooks/endpoints/live-endpoint.ts';
import { parseProxyUrl } from '../webhooks/post/connect/proxy-settings.ts';
import { createConfiguredPoster } from '../webhooks/poster/create-configured-poster.ts';
import type { Poster } from '../webhooks/poster/poster.ts';
import type { EvaluateText } from '../webhooks/transform/transform-unit.ts';
import { createTransformingPoster } from '../webhooks/transform/transforming-poster.ts';
import type { Basics } from './open-basics.ts';

/** Endpoints, and what posts to them. */
export interface Webhooks {
  directory: EndpointDirectory;
  dispatcher: Dispatcher;
  /** What holds for an endpoint that does not say otherwise. */
  defaults: EndpointDefaults;
  /** Which addresses may be posted to. */
  guard: AddressGuard;
  evaluateText: EvaluateText;
}

/** Deliveries of all endpoints in memory; about 1 kB each. */
const MEMORY_DELIVERIES = 8_192;

export async function buildWebhooks(
  basics: Basics,
  ties: Required<Pick<DispatcherOptions, 'nodes' | 'report' | 'onAttempt'>> & { fence: LeaseFence },
): Promise<Webhooks> {
  const { config, store, secretBox, clock, random, ids, log, node, retentionMs } = basics;
  const { engine, deliveries, endpoints } = store;
  const loopbackOnly = ['127.0.0.1', '::1', 'localhost'].includes(config.host);
  const networks = config.endpointNetworks ?? (loopbackOnly ? ['loopback'] : []);
  const defaults = {
    ladderMs: config.webhookRetryLadder,
    timeoutMs: config.webhookTimeout,
    concurrency: config.endpointConcurrency,
    patienceMs: config.endpointPatience,
    sender: { host: config.hostname, publicUrl: config.publicUrl },
  };
  const directory = createEndpointDirectory({ endpoints, secretBox, defaults });
  await directory.load();
  const evaluator = createExpressionEvaluator();
  const poster = buildPoster(basics, networks);
  const dispatcher = createDispatcher({
    ...ties,
    engine: { ...engine, ...ties.fence },
    deliveries,
    directory,
    poster: createTransformingPoster(poster, { evaluator, now: clock.now }),
    clock,
    random,
    ids,
    log,
    node,
    retentionMs,
    concurrency: config.webhookConcurrency,
    memoryLimit: MEMORY_DELIVERIES,
  });
  const { evaluateText } = evaluator;
  return { directory, dispatcher, defaults, guard: createAddressGuard(networks), evaluateText };
}

function buildPoster({ config, keys, clock, log }: Basics, networks: readonly string[]): Poster {
  return createConfiguredPoster({
    threads: config.roles.includes('dispatch') ? config.dispatchThreads : 0,
    settings: {
      networks,
      // The lanes bound each endpoint; several of them may share an origin.
      connectionsPerOrigin: config.webhookConcurrency,
      idleConnections: config.webhookIdleConnections,
      ca: keys.endpointCa,
      proxy:
        config.webhookProxy === null
          ? null
          : { ...parseProxyUrl(config.webhookProxy), noProxy: config.webhookNoProxy },
    },
    clock,
    log,
  });
}
