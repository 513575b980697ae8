import type { EventAuthentication } from '@posthorn/sdk/src/event.ts';
import type { MailEnvelope } from './authenticate-mail.ts';
import type { MailFile, ParsedMail } from './parse-mail.ts';

/** A mail as it was read: its words, and what they are worth. */
export interface ReadMail {
  mail: ParsedMail;
  authentication: EventAuthentication;
}

/** Where nothing could be found out. */
export const NOT_KNOWN: EventAuthentication = {
  spf: { result: 'temperror', domain: null },
  dkim: { result: 'temperror', signatures: [] },
  dmarc: { result: 'temperror', domain: null, policy: null },
  arc: { result: 'temperror', domain: null },
};

/** What the thread is asked to do; `id` comes back with the answer. */
export type Task =
  | { kind: 'read'; raw: Uint8Array; envelope: MailEnvelope }
  | { kind: 'words'; raw: Uint8Array }
  | { kind: 'html'; raw: Uint8Array }
  | { kind: 'file'; raw: Uint8Array; number: number };

export interface Results {
  read: ReadMail;
  words: ParsedMail;
  html: string | null;
  file: MailFile | null;
}

/** To the thread. */
export type Order =
  | { kind: 'task'; id: number; task: Task }
  | { kind: 'dns'; id: number; values: unknown; fault: { code: string; message: string } | null };

/** From the thread. */
export type Note =
  | { kind: 'done'; id: number; result: Results[keyof Results] }
  | { kind: 'failed'; id: number; message: string }
  | { kind: 'dns'; id: number; name: string; type: string };
