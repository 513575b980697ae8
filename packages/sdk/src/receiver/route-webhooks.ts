import { WebhookError } from '../errors.ts';
import { refuse } from './answers.ts';
import { pathOf, type WebhookTarget } from './webhook.ts';

/**
 * Several receivers behind one adapter, by path: `/webhooks/v1/email` and `/webhooks/v2/email` while a
 * handler changes, or one for each provider. Anything else is a 404.
 */
export function routeWebhooks(targets: Readonly<Record<string, WebhookTarget>>): WebhookTarget {
  const byPath = new Map(Object.entries(targets).map(([path, one]) => [plain(path), one]));
  return {
    maxBodyBytes: Math.max(0, ...[...byPath.values()].map((one) => one.maxBodyBytes)),
    handle: async (webhook) => {
      const target = byPath.get(plain(pathOf(webhook.url)));
      if (target !== undefined) return target.handle(webhook);
      const error = new WebhookError('no_such_path', 'No receiver stands at this path.');
      return refuse(error, { refused: 401, busy: 503 });
    },
  };
}

/** With and without a slash at the end is the same. */
const plain = (path: string): string => path.replace(/\/+$/, '') || '/';
