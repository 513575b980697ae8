import { createTransport } from 'nodemailer';
import type { DemoApi } from './demo-api.ts';
import { DEMO_SENDER, type DemoMessage } from './demo-messages.ts';

export interface SentMessage {
  id: string;
  message: DemoMessage;
}

export interface Submission {
  host: string;
  port: number;
  user: string;
  /** The API key. */
  password: string;
}

/** Sends each message through its door, one after the other. Rejects where one is not accepted. */
export async function sendMessages(
  messages: readonly DemoMessage[],
  doors: { api: Pick<DemoApi, 'sendMessage'>; submission: Submission },
): Promise<SentMessage[]> {
  const { host, port, user, password } = doors.submission;
  const transport = createTransport({
    host,
    port,
    secure: false,
    pool: true,
    maxConnections: 1,
    auth: { user, pass: password },
  });
  const sent: SentMessage[] = [];
  try {
    for (const message of messages) {
      const id =
        message.door === 'http'
          ? (await doors.api.sendMessage(toApiBody(message))).id
          : readQueuedId((await transport.sendMail(toMail(message))).response);
      sent.push({ id, message });
    }
  } finally {
    transport.close();
  }
  return sent;
}

function toApiBody(message: DemoMessage): object {
  const { door: _door, attachments, ...fields } = message;
  return {
    from: DEMO_SENDER,
    ...fields,
    ...(attachments === undefined
      ? {}
      : {
          attachments: attachments.map(({ filename, content, contentType }) => ({
            filename,
            content: content.toString('base64'),
            content_type: contentType,
          })),
        }),
  };
}

/** By SMTP, tags and metadata travel in headers. */
function toMail({ tags, metadata, door: _door, ...fields }: DemoMessage) {
  const headers: Record<string, string | { prepared: boolean; value: string }> = {};
  if (tags !== undefined) headers['X-Posthorn-Tags'] = tags.join(', ');
  if (metadata !== undefined) {
    // As it is: nodemailer would write JSON as an encoded word (RFC 2047).
    headers['X-Posthorn-Metadata'] = { prepared: true, value: JSON.stringify(metadata) };
  }
  const from = { name: DEMO_SENDER.name, address: DEMO_SENDER.email };
  return { from, ...fields, headers };
}

/** `250 2.0.0 Queued as msg_01...` -> `msg_01...` */
function readQueuedId(response: string): string {
  const id = /\bQueued as (msg_[0-9A-Z]+)/.exec(response)?.[1];
  if (id === undefined)
    throw new Error(`The submission server answered without an id: ${response}`);
  return id;
}
