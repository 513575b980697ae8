import type { Ids } from '../../../../core/ids.ts';
import type { Clock } from '../../../../lib/clock.ts';
import { PosthornError } from '../../../../lib/errors.ts';
import type { EndpointDirectory } from '../../../../webhooks/endpoints/endpoint-directory.ts';
import type { CallRoute } from '../call-routes.ts';
import type { ForeignApi } from '../foreign-api.ts';
import { createBatchRoutes } from './batch-routes.ts';
import { createSendRoutes } from './send-routes.ts';
import { createSuppressionListRoutes } from './suppression-routes.ts';
import { createAttemptWatch } from './watch-attempt.ts';
import { createWebhookRoutes } from './webhook-routes.ts';

/**
 * MailChannels' Email API (docs.mailchannels.net/email-api, OpenAPI description 0.21), as far as it
 * sends mail and tells of it. Errors are `{"errors": ["..."]}`.
 */
export function createMailchannelsApi(deps: {
  callRoute: CallRoute;
  directory: Pick<EndpointDirectory, 'findSigningKey'>;
  ids: Ids;
  clock: Clock;
  maxMessageBytes: number;
  canTrack: boolean;
}): ForeignApi {
  const now = (): number => deps.clock.now();
  const watch = createAttemptWatch(deps.callRoute, deps.clock);
  return {
    prefix: '/tx/v1',
    routes: [
      ...createSendRoutes({ ...deps, now }),
      ...createWebhookRoutes({ ...deps, watch }),
      ...createBatchRoutes({ ...deps, watch, now }),
      ...createSuppressionListRoutes(deps),
    ],
    readKey({ 'x-api-key': key }) {
      return typeof key === 'string' && key !== '' ? key : null;
    },
    refuseMissingKey() {
      throw new PosthornError('missing_key', 'Send the API key as "X-Api-Key: phk_...".');
    },
    answerError(error) {
      return { status: statusOf(error), body: { errors: listFaults(error) } };
    },
  };
}

/** They know one status for everything that is wrong with a request. */
function statusOf({ status }: PosthornError): number {
  return status === 422 || status === 415 ? 400 : status;
}

function listFaults({ fields, message }: PosthornError): string[] {
  if (fields.length < 2) return [message];
  return fields.map(({ pointer, detail }) => `${pointer}: ${detail}`);
}
