/**
 * What becomes of the messages that are sent with a key: `live`: they are sent; `hold`: each waits until a
 * person lets it go; `sandbox`: all that happens to them is made up, and nothing is ever sent.
 */
export const KEY_MODES = ['live', 'hold', 'sandbox'] as const;

export type KeyMode = (typeof KEY_MODES)[number];
