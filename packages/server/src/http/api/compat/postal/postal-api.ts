import type { Ids } from '../../../../core/ids.ts';
import { PosthornError } from '../../../../lib/errors.ts';
import type { MessageAcceptor } from '../../../../mail/accept-message.ts';
import type { Events } from '../../../../store/log/events.ts';
import type { Messages } from '../../../../store/mail/messages.ts';
import type { AnswerMemory } from '../../../remember-answers.ts';
import type { CallRoute } from '../call-routes.ts';
import type { ForeignApi } from '../foreign-api.ts';
import { answerRefusal } from './envelope.ts';
import { createMessageRoutes } from './message-routes.ts';
import { createSendRoutes } from './send-routes.ts';

/** Postal's HTTP API v1 (docs.postalserver.io/developer/api and its controllers in legacy_api). */
export function createPostalApi(deps: {
  callRoute: CallRoute;
  acceptor: Pick<MessageAcceptor, 'acceptRaw'>;
  messages: Pick<Messages, 'get' | 'list' | 'recipients' | 'raw'>;
  events: Pick<Events, 'ofMessage'>;
  ids: Ids;
  memory: AnswerMemory;
  now: () => number;
  maxMessageBytes: number;
}): ForeignApi {
  return {
    prefix: '/api/v1',
    routes: [...createSendRoutes(deps), ...createMessageRoutes(deps)],
    formField: 'params',
    readKey({ 'x-server-api-key': key }) {
      return typeof key === 'string' && key !== '' ? key : null;
    },
    refuseMissingKey() {
      throw new PosthornError('missing_key', 'Must be authenticated as a server.');
    },
    answerError: (error, startedMs) => answerRefusal(error, deps.now() - startedMs),
  };
}
