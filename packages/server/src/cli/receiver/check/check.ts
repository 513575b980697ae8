import type { CanonicalEvent, EventType, UnsignedPost } from '@posthorn/sdk';
import type { Exchanger, Reply, SendOptions } from '../webhook/exchange.ts';
import type { WebhookWriter } from '../webhook/webhook-writer.ts';

/** One thing that a good receiver does. */
export interface Check {
  /** As in the report; stable. */
  name: string;
  title: string;
  /** `acceptance`: says nothing about a receiver that refuses even a valid event. */
  needs: 'nothing' | 'connection' | 'acceptance';
  run(context: CheckContext): Promise<Finding>;
}

export interface Finding {
  result: 'pass' | 'fail' | 'skip';
  /** What was seen. */
  reason: string;
  /** Of a failure: what to change. */
  fix?: string;
}

export interface CheckContext {
  url: URL;
  writer: WebhookWriter;
  /** PEM of an authority that signs the receiver's certificate, beside the usual ones. */
  ca: string | null;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  send: Exchanger['send'];
  newEvent(type?: EventType): CanonicalEvent;
  /** Null where nobody said how to see what an event did. */
  effects: Effects | null;
}

/** What the receiver has done so far, as a text that changes with every event that is handled. */
export interface Effects {
  read(): Promise<string>;
}

export const pass = (reason: string): Finding => ({ result: 'pass', reason });
export const skip = (reason: string): Finding => ({ result: 'skip', reason });
export const fail = (reason: string, fix: string): Finding => ({ result: 'fail', reason, fix });

export const isTaken = (reply: Reply): boolean =>
  reply.status !== null && reply.status >= 200 && reply.status < 300;

/** `401 in 3 ms`, or why there was no answer. */
export function describe(reply: Reply): string {
  if (reply.status === null) return `no answer: ${reply.error}`;
  return `${reply.status} in ${Math.round(reply.durationMs)} ms`;
}

export interface PostOptions extends SendOptions {
  /** When it says that it was signed; now by default. */
  signedAtMs?: number;
  /** Over those that the dialect gives; null takes one away. */
  headers?: Readonly<Record<string, string | null>>;
}

/** A post before it is signed, and the id of what is in it. */
export interface Draft {
  post: UnsignedPost;
  id: string;
}

/** Sends a post, rightly signed unless the options say otherwise. */
export function send(
  context: CheckContext,
  { post, id }: Draft,
  options: PostOptions = {},
): Promise<Reply> {
  const { url, writer, nowMs } = context;
  const signed = writer.sign(post, { id, nowMs: options.signedAtMs ?? nowMs() });
  const headers = changeHeaders(signed.headers, options.headers ?? {});
  return context.send({ url, method: 'POST', headers, body: signed.body }, options);
}

export function sendEvent(
  context: CheckContext,
  event: CanonicalEvent,
  options: PostOptions = {},
): Promise<Reply> {
  return send(context, draft(context, event), options);
}

/** An event in the dialect; a bounce where the dialect has no word for it. */
export function draft({ writer, newEvent }: CheckContext, event: CanonicalEvent): Draft {
  const bounce = { ...newEvent('email.bounced'), id: event.id };
  const post = writer.encode(event) ?? writer.encode(bounce);
  if (post === null) throw new Error(`The dialect ${writer.dialect} cannot say email.bounced.`);
  return { post, id: event.id };
}

export const withBody = ({ post, id }: Draft, body: string): Draft => ({
  post: { ...post, body },
  id,
});

function changeHeaders(
  headers: Record<string, string>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const changed = { ...headers, ...changes };
  return Object.fromEntries(
    Object.entries(changed).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
