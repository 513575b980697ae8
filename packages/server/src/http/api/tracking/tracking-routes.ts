import { z } from 'zod';
import type { Clock } from '../../../lib/clock.ts';
import { messageOf, PosthornError } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import type { TrackingRoom } from '../../../mail/tracking/create-tracking-room.ts';
import { MAX_TOKEN_CHARS, type TrackingRef } from '../../../mail/tracking/tracking-token.ts';
import { defineRoute, type RawRequest, type Route, type RouteAnswer } from '../../route.ts';
import { readReader } from './read-reader.ts';
import { createUnsubscribeRoutes } from './unsubscribe-routes.ts';

export interface TrackingRouteDeps {
  trackingRoom: Pick<TrackingRoom, 'tokens' | 'recorder' | 'unsubscriber' | 'isLinkHost'>;
  clock: Pick<Clock, 'after'>;
  logger: Log;
}

/** GIF89a, one transparent pixel. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/**
 * How long the answer waits for the log, ms: who follows a link wants his page, and not our commit. Most are
 * on disk in a few; one that is not goes on behind the answer.
 */
const RECORD_WAIT_MS = 500;

const NO_STORE = {
  'cache-control': 'no-store, no-cache, must-revalidate, private',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex',
};

const tokenParams = z.object({
  token: z.string().max(MAX_TOKEN_CHARS).describe('Made and signed by this server.'),
});

/** Where links and pixels in mail lead. Recipients have no key: the token is theirs. */
export function createTrackingRoutes(deps: TrackingRouteDeps): Route[] {
  const { clock, logger, trackingRoom } = deps;
  const { recorder, tokens } = trackingRoom;

  /** Throws `not_found`. */
  function read<K extends TrackingRef['kind']>(
    given: { token: string },
    kind: K,
  ): Extract<TrackingRef, { kind: K }> {
    const ref = tokens.read(given.token);
    if (ref === null || ref.kind !== kind) {
      throw new PosthornError(
        'not_found',
        'This link was not made here, or it was changed on its way.',
      );
    }
    return ref as Extract<TrackingRef, { kind: K }>;
  }

  /** HEAD asks what is there; it is nobody who reads. */
  async function record(
    ref: Parameters<typeof recorder.record>[0],
    raw: RawRequest | null,
  ): Promise<void> {
    if (raw === null || raw.method === 'HEAD') return;
    const done = recorder.record(ref, readReader(raw)).then(
      () => {},
      (error: unknown) => {
        const fields = { message: ref.messageId, error: messageOf(error) };
        logger.warn(fields, 'An open or a click could not be stored');
      },
    );
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(RECORD_WAIT_MS, resolve);
    });
    await Promise.race([done, late]);
    cancel();
  }

  const shared = {
    method: 'GET',
    auth: 'none',
    group: 'Tracking',
    params: tokenParams,
    raw: { admit() {} },
  } as const;
  const unknown = { 404: { description: 'not_found: the token is not one of ours.' } };

  return [
    defineRoute({
      ...shared,
      path: '/t/o/{token}',
      summary: 'The pixel of a message',
      description: 'For mail programs. Tells of email.opened; HEAD does not.',
      responses: {
        200: { description: 'A transparent pixel.', contentType: 'image/gif' },
        ...unknown,
      },
      async handle({ params, raw }): Promise<RouteAnswer> {
        await record(read(params, 'open'), raw);
        return { status: 200, body: PIXEL, headers: { ...NO_STORE, 'content-type': 'image/gif' } };
      },
    }),
    defineRoute({
      ...shared,
      path: '/t/c/{token}',
      summary: 'A link of a message',
      description:
        'For recipients. Leads to the URL that stood in the message, and to no other. Tells of email.clicked; HEAD does not.',
      responses: { 302: { description: 'To the page.' }, ...unknown },
      async handle({ params, raw }): Promise<RouteAnswer> {
        const ref = read(params, 'click');
        await record(ref, raw);
        return { status: 302, headers: { ...NO_STORE, location: toLocation(ref.url) } };
      },
    }),
    defineRoute({
      method: 'GET',
      auth: 'none',
      group: 'Tracking',
      path: '/t/host',
      summary: 'Do links in mail lead to this host?',
      description: 'For a proxy that gets certificates when they are needed, such as Caddy.',
      query: z.object({ domain: z.string().min(1).max(255).describe('The host.') }),
      responses: {
        200: { description: 'They do.', contentType: 'text/plain' },
        404: { description: 'not_found: they do not.' },
      },
      async handle({ query }) {
        if (trackingRoom.isLinkHost(query.domain)) {
          return { status: 200, body: 'yes\n', headers: { 'content-type': 'text/plain' } };
        }
        throw new PosthornError('not_found', `No links in mail lead to ${query.domain}.`);
      },
    }),
    ...createUnsubscribeRoutes({
      unsubscriber: trackingRoom.unsubscriber,
      read: (given) => read(given, 'unsubscribe'),
      params: tokenParams,
      headers: NO_STORE,
    }),
  ];
}

/** As it was written, where a header can hold it. */
function toLocation(url: string): string {
  return /^[\x21-\x7e]+$/.test(url) ? url : new URL(url).href;
}
