import type { HandshakeAnswer, ProviderRequest } from '../../provider.ts';
import { headerOf } from '../read/request-body.ts';

/**
 * The abuse protection of CloudEvents webhooks (cloudevents/http-webhook.md, section 4): a sender asks
 * with OPTIONS whether it may post, and is told yes for its own origin only.
 */
export function optionsHandshake(request: ProviderRequest): HandshakeAnswer | null {
  const origin = headerOf(request, 'webhook-request-origin');
  if (request.method !== 'OPTIONS' || origin === null || !/^[\w.:*-]{1,255}$/.test(origin))
    return null;
  const rate = headerOf(request, 'webhook-request-rate');
  const headers: Record<string, string> = { 'webhook-allowed-origin': origin, allow: 'POST' };
  if (rate !== null && /^\d{1,9}$/.test(rate)) headers['webhook-allowed-rate'] = rate;
  return { status: 200, headers, body: '', afterVerify: false };
}
