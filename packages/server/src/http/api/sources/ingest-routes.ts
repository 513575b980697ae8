import { z } from 'zod';
import { PosthornError } from '../../../lib/errors.ts';
import type { Ingest } from '../../../sources/ingest.ts';
import type { LiveSource, SourceDirectory } from '../../../sources/source-directory.ts';
import type { Statement } from '../../../store/engine.ts';
import { defineRoute, type Route, type RouteRequest } from '../../route.ts';

/** A thousand events of SendGrid have a megabyte; inbound mail with attachments has more. */
const MAX_BODY_BYTES = 32 * 1_048_576;

const params = z.object({
  token: z.string().max(200).describe('From the path that POST /v1/sources gave.'),
});

export interface IngestRouteDeps {
  sourceRoom: {
    directory: Pick<SourceDirectory<Statement>, 'byToken'>;
    ingest: Ingest;
  };
  publicUrl: string | null;
}

/** Where providers post to. They have no key: the path and their signature are theirs. */
export function createIngestRoutes(deps: IngestRouteDeps): Route[] {
  const { directory, ingest } = deps.sourceRoom;

  /** Throws `not_found`; what the path was meant to be is not said again. */
  function find(given: unknown): LiveSource {
    const found = directory.byToken(params.parse(given).token);
    if (found !== null) return found;
    throw new PosthornError(
      'not_found',
      'No source has this URL. GET /v1/sources/{id}/secret shows the URL of each.',
    );
  }

  async function handle({ params: given, raw }: Pick<RouteRequest, 'params' | 'raw'>) {
    if (raw === null) throw new Error('An ingest route is a raw one.');
    const origin = deps.publicUrl ?? `${raw.protocol}://${raw.host}`;
    return ingest.receive(find(given), { ...raw, origin });
  }

  const shared = {
    path: '/in/{token}',
    auth: 'none',
    group: 'Sources',
    params,
    raw: { admit: (given: unknown) => void find(given) },
    handle,
  } as const;
  const problems = { 404: { description: 'not_found: no source has this URL.' } };

  return [
    defineRoute({
      ...shared,
      method: 'POST',
      summary: 'Take a webhook in',
      description:
        'For providers. 200 means that it is on disk, with its events. Where nothing proves that it is from the provider, it is webhook_refused with the status that the provider goes by: 401, 403 or 406. 503 (429 for Brevo) asks to send it again.',
      bodyLimit: MAX_BODY_BYTES,
      responses: {
        200: {
          description: 'Stored, or seen before; a handshake is answered in its own way.',
          schema: z.object({ events: z.int(), duplicates: z.int() }),
        },
        400: { description: 'invalid_webhook: it is not what the provider sends.' },
        ...problems,
        413: { description: 'too_large' },
        415: { description: 'unsupported_media_type' },
        503: { description: 'store_unavailable: send it again.' },
      },
    }),
    defineRoute({
      ...shared,
      method: 'GET',
      summary: 'Look at a URL, or take a webhook in by its parameters',
      description: 'Elastic Email sends so; HEAD works as well. Others get a greeting.',
      responses: {
        200: { description: 'There is a source.', contentType: 'text/plain' },
        ...problems,
      },
    }),
    defineRoute({
      ...shared,
      method: 'OPTIONS',
      summary: 'May I post here? (CloudEvents, Event Grid)',
      responses: {
        200: { description: 'Yes, with WebHook-Allowed-Origin.' },
        204: { description: 'Asked without an origin: which methods there are.' },
        ...problems,
      },
    }),
  ];
}
