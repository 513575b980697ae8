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
export * from './providers/dialect.ts';
export * from './providers/dialect.ts';
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
export * from './providers/standard-webhooks.ts';
export * from './providers/standard-webhooks-keys.ts';
export * from './receiver/fetch-key.ts';
export * from './recipient-state.ts';
