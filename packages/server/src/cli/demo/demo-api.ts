import type { CanonicalEvent } from '@posthorn/sdk';
import { createApiClient } from '../client/api-client.ts';

/** The part of the HTTP API that the demo uses, with the key in place. */
export interface DemoApi {
  createEndpoint(input: {
    url: string;
    event_types: string[];
    description: string;
  }): Promise<{ id: string; secret: string }>;
  createOwner(fields: { setup_token: string; email: string; password: string }): Promise<unknown>;
  sendMessage(body: object): Promise<{ id: string }>;
  getMessage(id: string): Promise<MessageView>;
  /** Every event of the log, the newest first. */
  listEvents(): Promise<CanonicalEvent[]>;
}

export interface MessageView {
  id: string;
  subject: string | null;
  from: string;
  created_at: string;
  recipients: RecipientView[];
  timeline: { event: CanonicalEvent; deliveries: DeliveryView[] }[];
}

export interface RecipientView {
  address: string;
  kind: string;
  state: string | null;
  attempts: number;
  next_attempt_at: string | null;
}

export interface DeliveryView {
  id: string;
  endpoint_url: string;
  state: string;
  next_attempt_at: string | null;
  attempts: AttemptView[];
}

export interface AttemptView {
  number: number;
  latency_ms: number;
  outcome: string;
  status: number | null;
  error_code: string | null;
}

export function createDemoApi(options: { httpUrl: string; apiKey: string }): DemoApi {
  const { get, post } = createApiClient({ url: options.httpUrl, key: options.apiKey });

  return {
    createEndpoint: (input) => post('/v1/endpoints', input),
    createOwner: (fields) => post('/portal/api/owner', fields),
    sendMessage: (body) => post('/v1/messages', body),
    getMessage: (id) => get(`/v1/messages/${id}`),
    async listEvents() {
      const events: CanonicalEvent[] = [];
      let cursor: string | null = null;
      do {
        const rest: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page: { data: CanonicalEvent[]; next_cursor: string | null } = await get(
          `/v1/events?limit=100${rest}`,
        );
        events.push(...page.data);
        cursor = page.next_cursor;
      } while (cursor !== null);
      return events;
    },
  };
}
