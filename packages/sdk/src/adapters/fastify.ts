import type { WebhookTarget } from '../receiver/webhook.ts';
import { fromNodeRequest, type NodeRequest } from './node.ts';

/** What is needed of Fastify, 4 and newer. */
export interface FastifyInstance {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parse: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    handle: (request: { raw: NodeRequest }, reply: FastifyReply) => Promise<unknown>,
  ): unknown;
}

export interface FastifyReply {
  code(status: number): FastifyReply;
  headers(headers: Record<string, string>): FastifyReply;
  send(body: string): unknown;
}

/** `app.register(toFastifyPlugin(receiver, '/webhooks/email'))`. Other routes keep their body parsers. */
export function toFastifyPlugin(
  target: WebhookTarget,
  path: string,
): (instance: FastifyInstance) => Promise<void> {
  return async (instance) => {
    // The stream is left alone, for the receiver wants the bytes, and not at all what it refuses.
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser('*', (_request, _payload, done) => done(null));
    instance.all(path, async (request, reply) => {
      const { status, headers, body } = await target.handle(fromNodeRequest(request.raw));
      return reply
        .code(status)
        .headers({ ...headers })
        .send(body);
    });
  };
}
