import type { CanonicalEvent } from '@posthorn/sdk';

/** The part of the HTTP API that the demo uses, with the key in place. */
export interface DemoApi {
  createEndpoint(input: {
    url: string;
    event_types: string[];
    description: string;
  }): Promise<{ id: string; secret: string }>;
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

/** What the API answered instead of what was asked for. */
export class DemoApiError extends Error {
  override readonly name = 'DemoApiError';
}

const REQUEST_TIMEOUT_MS = 10_000;

export function createDemoApi(options: { httpUrl: string; apiKey: string }): DemoApi {
  async function ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(options.httpUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${options.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) {
      throw new DemoApiError(`${method} ${path} answered ${response.status}: ${text}`);
    }
    return JSON.parse(text) as T;
  }

  return {
    createEndpoint: (input) => ask('POST', '/v1/endpoints', input),
    sendMessage: (body) => ask('POST', '/v1/messages', body),
    getMessage: (id) => ask('GET', `/v1/messages/${id}`),
    async listEvents() {
      const events: CanonicalEvent[] = [];
      let cursor: string | null = null;
      do {
        const rest: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page: { data: CanonicalEvent[]; next_cursor: string | null } = await ask(
          'GET',
          `/v1/events?limit=100${rest}`,
        );
        events.push(...page.data);
        cursor = page.next_cursor;
      } while (cursor !== null);
      return events;
    },
  };
}
