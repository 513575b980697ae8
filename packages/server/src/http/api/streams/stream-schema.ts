import { z } from 'zod';
import { STREAMS, type Stream } from '../../../core/mail/streams.ts';
import type { ProjectSending, StreamSending } from '../../../core/project-settings.ts';

const ownOrNull = (what: string) =>
  z.boolean().nullable().describe(`${what} null: as the project has it.`);

const streamFields = {
  track_opens: ownOrNull('Messages that do not say get a pixel.'),
  track_clicks: ownOrNull('Links in the HTML of messages that do not say lead here first.'),
  track_text_links: ownOrNull('Links in their plain text too.'),
  require_unsubscribe: z
    .boolean()
    .describe(
      'Mail that names no way to leave gets a page of this server, and is refused where public_url is not set.',
    ),
};

const streamSchema = z.object(streamFields);
const changeStreamSchema = z.strictObject(streamFields).partial();

export const streamsSchema = z
  .object({ transactional: streamSchema, broadcast: streamSchema } satisfies Record<
    Stream,
    z.ZodType
  >)
  .describe('What each stream has of its own.');

export const changeStreamsSchema = z
  .strictObject({ transactional: changeStreamSchema, broadcast: changeStreamSchema })
  .partial()
  .describe('What each stream has of its own. What is left out stays.');

type Streams = ProjectSending['streams'];

export function mergeStreams(
  before: Streams,
  given: z.output<typeof changeStreamsSchema> = {},
): Streams {
  const merge = (stream: Stream): StreamSending => {
    const was = before[stream];
    const said = given[stream] ?? {};
    const pick = (now: boolean | null | undefined, then: boolean | null) =>
      now === undefined ? then : now;
    return {
      trackOpens: pick(said.track_opens, was.trackOpens),
      trackClicks: pick(said.track_clicks, was.trackClicks),
      trackTextLinks: pick(said.track_text_links, was.trackTextLinks),
      requireUnsubscribe: said.require_unsubscribe ?? was.requireUnsubscribe,
    };
  };
  return { transactional: merge('transactional'), broadcast: merge('broadcast') };
}

export function toStreamsJson(streams: Streams) {
  const toJson = (one: StreamSending) => ({
    track_opens: one.trackOpens,
    track_clicks: one.trackClicks,
    track_text_links: one.trackTextLinks,
    require_unsubscribe: one.requireUnsubscribe,
  });
  return { transactional: toJson(streams.transactional), broadcast: toJson(streams.broadcast) };
}

export const streamList = z.object({
  data: z.array(
    z.object({
      name: z.enum(STREAMS),
      description: z.string(),
      track_opens: z.boolean(),
      track_clicks: z.boolean(),
      track_text_links: z.boolean(),
      unsubscribe_page: z
        .boolean()
        .describe('Mail that names no page of its own gets one of this server.'),
      require_unsubscribe: z.boolean(),
    }),
  ),
});
