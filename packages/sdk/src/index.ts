export * from './errors.ts';
export * from './event.ts';
export * from './providers/standard-webhooks.ts';
export * from './providers/standard-webhooks-keys.ts';
