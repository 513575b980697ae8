import { request } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { PostFailure } from '../post-failure.ts';
import { explainRefusal } from './proxy-refusal.ts';
import type { ProxyAddress } from './proxy-settings.ts';

/** Opens a way through the proxy to `authority` (host:port). Returns what ends it. */
export function openTunnel(
  proxy: ProxyAddress,
  /** For a proxy that speaks TLS itself. */
  secureContext: SecureContext | null,
  authority: string,
  on: {
    /** The proxy is reached and has been asked. */
    asked(): void;
    opened(socket: Socket): void;
    /** Also when the tunnel breaks later. */
    failed(error: Error): void;
  },
): () => void {
  const { hostname: host, port } = proxy;
  const servername = isIP(host) === 0 ? host : '';
  const socket =
    secureContext === null
      ? connectTcp({ host, port })
      : connectTls({ host, port, servername, secureContext, rejectUnauthorized: true });
  let isOpen = false;
  socket.setNoDelay(true);
  socket.on('error', (error) => on.failed(isOpen ? error : unreachable(error)));
  socket.once(secureContext === null ? 'connect' : 'secureConnect', () => {
    on.asked();
    const { authorization } = proxy;
    const headers = {
      host: authority,
      ...(authorization === null ? {} : { 'proxy-authorization': authorization }),
    };
    const asking = request({
      method: 'CONNECT',
      path: authority,
      headers,
      createConnection: () => socket,
    });
    asking.on('connect', ({ statusCode = 0, headers: said }, _socket, head) => {
      if (statusCode < 200 || statusCode >= 300) {
        socket.destroy();
        return on.failed(explainRefusal(statusCode, said, authority));
      }
      isOpen = true;
      if (head.length > 0) socket.unshift(head);
      on.opened(socket);
    });
    asking.on('error', (error) => on.failed(unreachable(error)));
    asking.end();
  });
  return () => socket.destroy();
}

function unreachable(error: Error): PostFailure {
  const cause = error instanceof AggregateError ? (error.errors.at(-1) as Error) : error;
  return new PostFailure('proxy_error', `The proxy did not open a tunnel: ${cause.message}`);
}
