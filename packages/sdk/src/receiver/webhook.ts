import type { ProviderRequest } from '../providers/provider.ts';

/** A request as an adapter hands it over: the body is read only when it is wanted. */
export interface IncomingWebhook extends Omit<ProviderRequest, 'body'> {
  /**
   * Throws WebhookError `body_too_large` beyond `maxBytes`, `body_incomplete` and `body_already_read`.
   */
  readBody(maxBytes: number): Promise<Uint8Array>;
  remoteAddress?: string | null;
}

export interface WebhookAnswer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** What adapters need: a receiver, or several behind one router. */
export interface WebhookTarget {
  /** Never rejects. */
  handle(webhook: IncomingWebhook): Promise<WebhookAnswer>;
  /** Larger bodies are not read. */
  readonly maxBodyBytes: number;
}

/** The path without query and host; `/` where there is none. */
export function pathOf(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1)[0] ?? '';
  return path === '' ? '/' : path;
}
