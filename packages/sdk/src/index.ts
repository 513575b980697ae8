export * from './adapters/fastify.ts';
export * from './adapters/fetch.ts';
export * from './adapters/hono.ts';
export * from './adapters/lambda.ts';
export * from './adapters/next.ts';
export { type NodeRequest, toExpressHandler, toNodeHandler } from './adapters/node.ts';
export * from './canonical-event.ts';
export * from './errors.ts';
export * from './event.ts';
export * from './inbox/inbox.ts';
export * from './inbox/memory.ts';
export * from './inbox/postgres.ts';
export * from './inbox/redis/redis.ts';
export * from './inbox/sqlite.ts';
export { numberText, parseLosslessJson } from './lossless-json.ts';
export * from './message-state.ts';
export * from './providers/dialects/dialect.ts';
export {
  createGenericProvider,
  type GenericOptions,
  type GenericSignature,
} from './providers/generic.ts';
export * from './providers/provider.ts';
export * from './providers/registry.ts';
export {
  type EventMapping,
  MAPPED_FIELDS,
  type MappedField,
} from './providers/shared/build/mapping.ts';
export { numberFor } from './providers/shared/encode/values.ts';
export { parsePath } from './providers/shared/read/json-path.ts';
export type { Clock } from './receiver/clock.ts';
export * from './receiver/fetch-key.ts';
export type { Log, ReceiverRecord } from './receiver/log.ts';
export { formatMetrics, type ReceiverMetrics } from './receiver/metrics.ts';
export * from './receiver/receiver.ts';
export * from './receiver/route-webhooks.ts';
export type {
  Handler,
  HandlerContext,
  Handlers,
  ReceiverOptions,
  Secrets,
} from './receiver/settings.ts';
export * from './receiver/webhook.ts';
export * from './recipient-state.ts';
export * from './standard-webhooks/standard-webhooks.ts';
export * from './standard-webhooks/standard-webhooks-keys.ts';
