/**
 * The receiving end of a bench: a process of its own that answers every POST with 204, by hand over
 * raw sockets, so that it costs the measured side as little of the machine as possible. Prints its
 * port, and counts; `count` on its channel asks for the number.
 */
import { createServer } from 'node:net';

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
let requests = 0;

const server = createServer((socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const headEnd = rest.indexOf(HEAD_END);
      if (headEnd === -1) return;
      const match = /content-length: (\d+)/i.exec(rest.toString('latin1', 0, headEnd));
      const end = headEnd + 4 + Number(match?.[1] ?? 0);
      if (rest.length < end) return;
      rest = rest.subarray(end);
      requests += 1;
      socket.write(ANSWER);
    }
  });
});

process.on('message', (word) => {
  if (word === 'count') process.send?.({ requests });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});
