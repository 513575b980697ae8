/**
 * What a message is for. Mail to many at once is `broadcast`: who unsubscribes from it still gets
 * what he asked for (`transactional`: a receipt, a password to reset).
 */
export const STREAMS = ['transactional', 'broadcast'] as const;

export type Stream = (typeof STREAMS)[number];

export const STREAM_DESCRIPTIONS: Readonly<Record<Stream, string>> = {
  transactional: 'What somebody waits for: a receipt, a password to reset.',
  broadcast: 'Mail to many at once, from which each can unsubscribe.',
};

export function isStream(name: unknown): name is Stream {
  return STREAMS.some((stream) => stream === name);
}
