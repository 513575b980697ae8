/**
 * The receiving end of a bench: a process of its own that answers every POST with 204, by hand over
 * raw sockets, so that it costs the measured side as little of the machine as possible. It tells
 * its port, and on `received` when each event came. With the argument `silent` it never answers.
 */
import { createServer } from 'node:net';

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const silent = process.argv.includes('silent');
const received: [string, number][] = [];
/** Ids are kept for benches of this size; a throughput bench has no use for millions of them. */
const MAX_KEPT = 20_000;

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

const server = createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const headEnd = rest.indexOf(HEAD_END);
      if (headEnd === -1) return;
      const head = rest.toString('latin1', 0, headEnd);
      const match = /content-length: (\d+)/i.exec(head);
      const end = headEnd + 4 + Number(match?.[1] ?? 0);
      if (rest.length < end) return;
      rest = rest.subarray(end);
      if (received.length < MAX_KEPT) {
        received.push([/webhook-id: (\S+)/i.exec(head)?.[1] ?? '', monotonicMs()]);
      }
      if (!silent) socket.write(ANSWER);
    }
  });
});

process.on('message', (word) => {
  if (word === 'received') process.send?.({ received });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});
