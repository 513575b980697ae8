import type { Stream } from '../core/mail/streams.ts';
import type { MessageInput, UnsubscribeInput } from './message-input.ts';

type Header = MessageInput['headers'][number];

/**
 * Headers that tell receivers how to leave and whom to blame. One that the caller has written himself
 * stays as it is.
 */
export function senderHeaders(
  input: Pick<MessageInput, 'headers' | 'stream' | 'tags' | 'unsubscribe'>,
  projectId: string,
): Header[] {
  const given = new Set(input.headers.map(({ name }) => name.toLowerCase()));
  const made = [
    ...(input.unsubscribe === null || given.has('list-unsubscribe')
      ? []
      : unsubscribeHeaders(input.unsubscribe)),
    { name: 'Feedback-ID', value: feedbackId(projectId, input.stream, input.tags) },
  ];
  return made.filter(({ name }) => !given.has(name.toLowerCase()));
}

/** RFC 2369 3.2, and RFC 8058 for one click: that needs an address that takes a POST. */
function unsubscribeHeaders({ url, mailto }: UnsubscribeInput): Header[] {
  const ways = [
    ...(url === null ? [] : [`<${url}>`]),
    ...(mailto === null ? [] : [`<mailto:${encodeURI(mailto)}>`]),
  ];
  // A page of ours is another one for each recipient: it comes in with his copy.
  if (ways.length === 0) return [];
  const header = { name: 'List-Unsubscribe', value: ways.join(', ') };
  if (url === null) return [header];
  return [header, { name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' }];
}

/** Gmail wants 5 to 15 characters that stay the same: the end of the project's id. */
const SENDER_CHARS = 12;
const MAX_TAG_CHARS = 40;

/**
 * `campaign:stream:sender`, by which Gmail counts complaints: from right to left, and no part may name
 * a single message or person. The first tag stands for the campaign.
 */
function feedbackId(projectId: string, stream: Stream, tags: readonly string[]): string {
  const campaign = (tags[0] ?? '').replace(/[^\w-]+/g, '-').slice(0, MAX_TAG_CHARS);
  return [campaign, stream, projectId.slice(-SENDER_CHARS).toLowerCase()].join(':');
}
