export * from './errors.ts';
export * from './event.ts';
export { numberText, parseLosslessJson } from './lossless-json.ts';
export * from './message-state.ts';
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
export * from './recipient-state.ts';
