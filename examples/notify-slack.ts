/**
 * A handler that tells a Slack channel of bounces and complaints, through an incoming webhook of Slack's
 * (https://hooks.slack.com/services/...). When Slack is away or asks to slow down, the receiver tries again
 * later; when it says that the message or the channel is wrong, trying again cannot help.
 */
import { type CanonicalEvent, type Handlers, PermanentError } from '@posthorn/sdk';

export function notifySlack(webhookUrl: string): Handlers {
  const tell = async (event: CanonicalEvent, { signal }: { signal: AbortSignal }) => {
    const response = await fetch(webhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: describe(event) }),
      signal,
    });
    if (response.ok) return;
    const message = `Slack answered ${response.status}: ${await response.text()}`;
    const isTheirs = response.status >= 500 || response.status === 429;
    throw isTheirs ? new Error(message) : new PermanentError(message);
  };
  return { 'email.bounced': tell, 'email.complained': tell };
}

function describe({ type, data }: CanonicalEvent): string {
  const about = data.message?.subject ?? data.message?.id ?? 'a message';
  // What others wrote must not become a link or a mention.
  const plain = (text: string) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const reason = data.bounce?.description ?? data.delivery?.response ?? data.complaint?.type ?? '';
  return plain(`${type}: ${data.recipient ?? 'somebody'}, "${about}". ${reason}`.trim());
}
