import { importPublicKey } from '../../../../core/webhooks/signing-keys.ts';
import { PosthornError } from '../../../../lib/errors.ts';
import type { EndpointDirectory } from '../../../../webhooks/endpoints/endpoint-directory.ts';
import type { Caller } from '../../../access/authenticate.ts';
import { type CallRoute, readPages } from '../call-routes.ts';
import type { ForeignRoute } from '../foreign-api.ts';
import type { AttemptWatch } from './watch-attempt.ts';

export interface EndpointView {
  id: string;
  url: string;
  dialect: string;
}

const MAX_URL_CHARS = 8_000;
const MAX_REQUEST_ID_CHARS = 28;

/** The project's endpoints that speak this dialect: what this API knows as webhooks. */
export async function listWebhooks(callRoute: CallRoute, caller: Caller): Promise<EndpointView[]> {
  const all = readPages<EndpointView>(callRoute, 'GET /v1/endpoints', { caller });
  const found: EndpointView[] = [];
  for await (const endpoint of all) if (endpoint.dialect === 'mailchannels') found.push(endpoint);
  return found;
}

/** /webhook, /webhook/validate and /webhook/public-key. */
export function createWebhookRoutes(deps: {
  callRoute: CallRoute;
  directory: Pick<EndpointDirectory, 'findSigningKey'>;
  watch: AttemptWatch;
}): ForeignRoute[] {
  const { callRoute, directory, watch } = deps;

  async function validate(caller: Caller, { id, url }: EndpointView) {
    const test = await callRoute<{ delivery_id: string }>('POST /v1/endpoints/{id}/test', {
      caller,
      params: { id },
    });
    const attempt = await watch(caller, test.delivery_id, 0);
    const status = attempt?.status ?? null;
    const response = status === null ? null : { status, body: attempt?.response?.excerpt ?? '' };
    const result = attempt?.outcome === 'succeeded' ? 'passed' : 'failed';
    return { result, webhook: url, response };
  }

  return [
    {
      methods: ['POST'],
      path: '/webhook',
      async handle({ caller, query }) {
        const url = query['endpoint'];
        if (typeof url !== 'string' || url === '' || url.length > MAX_URL_CHARS) {
          throw invalid(`?endpoint: give one URL of up to ${MAX_URL_CHARS} characters.`);
        }
        const there = await listWebhooks(callRoute, caller);
        if (there.some((one) => one.url === url)) {
          throw new PosthornError('conflict', `${url} is enrolled already.`);
        }
        const body = { url, dialect: 'mailchannels' };
        await callRoute('POST /v1/endpoints', { caller, body });
        return { status: 201 };
      },
    },
    {
      methods: ['GET'],
      path: '/webhook',
      async handle({ caller }) {
        const webhooks = await listWebhooks(callRoute, caller);
        return { status: 200, body: webhooks.map(({ url }) => ({ webhook: url })) };
      },
    },
    {
      methods: ['DELETE'],
      path: '/webhook',
      async handle({ caller }) {
        for (const { id } of await listWebhooks(callRoute, caller)) {
          await callRoute('DELETE /v1/endpoints/{id}', { caller, params: { id } });
        }
        return { status: 204 };
      },
    },
    {
      methods: ['POST'],
      path: '/webhook/validate',
      async handle({ caller, body }) {
        const requestId = typeof body === 'object' ? Reflect.get(body ?? {}, 'request_id') : null;
        if (String(requestId ?? '').length > MAX_REQUEST_ID_CHARS) {
          throw invalid(`/request_id: it may have ${MAX_REQUEST_ID_CHARS} characters.`);
        }
        const webhooks = await listWebhooks(callRoute, caller);
        if (webhooks.length === 0) throw new PosthornError('not_found', 'No webhook is enrolled.');
        const results = await Promise.all(webhooks.map((one) => validate(caller, one)));
        const allPassed = results.every(({ result }) => result === 'passed');
        return { status: 200, body: { all_passed: allPassed, results } };
      },
    },
    {
      methods: ['GET'],
      path: '/webhook/public-key',
      // Receivers ask by themselves, and a public key has to be kept from nobody.
      isOpen: true,
      async handle({ query }) {
        const id = query['id'];
        const key = typeof id === 'string' ? directory.findSigningKey(id) : null;
        if (key === null || key.kind !== 'ed25519') {
          throw new PosthornError('not_found', `There is no public key "${String(id ?? '')}".`);
        }
        const der = importPublicKey(key).export({ type: 'spki', format: 'der' });
        return { status: 200, body: { id: key.id, key: der.toString('base64') } };
      },
    },
  ];
}

export const invalid = (detail: string): PosthornError =>
  new PosthornError('invalid_field', detail);
