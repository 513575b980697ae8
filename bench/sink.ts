/**
 * The receiving end of a bench: a process of its own that answers every POST with 204, by hand over
 * raw sockets, so that it takes as little of the machine from the measured side as possible. With
 * `record` it remembers when each event came and tells on `received`; with `silent` it never answers.
 * `{hang: paths}` names paths that get no answer from now on; what hung until then is cut off.
 */
import { createServer, type Socket } from 'node:net';
import { findRequestEnd } from './request-end.ts';

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const silent = process.argv.includes('silent');
const record = process.argv.includes('record');
const received: [string, number][] = [];
let answered = 0;
let hanging = new Set<string>();
const left = new Set<Socket>();

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** Where the first request in `bytes` ends; -1 while it is not whole. */
function requestEnd(bytes: Buffer): number {
  const found = findRequestEnd(bytes);
  if (found === null) return -1;
  answered += 1;
  if (record) received.push([/webhook-id: (\S+)/i.exec(found.head)?.[1] ?? '', monotonicMs()]);
  return found.end;
}

/** Whether the request that begins here is one that gets no answer. */
function isLeft(bytes: Buffer): boolean {
  if (silent || hanging.size === 0) return silent;
  const line = bytes.toString('latin1', 0, bytes.indexOf(13));
  return hanging.has(line.split(' ')[1] ?? '');
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer | null = null;
  socket.on('error', () => {});
  socket.on('close', () => left.delete(socket));
  socket.on('data', (chunk) => {
    let bytes = rest === null ? chunk : Buffer.concat([rest, chunk]);
    for (let end = requestEnd(bytes); end !== -1; end = requestEnd(bytes)) {
      if (isLeft(bytes)) left.add(socket);
      else socket.write(ANSWER);
      bytes = bytes.subarray(end);
      if (bytes.length === 0) break;
    }
    rest = bytes.length === 0 ? null : bytes;
  });
});

process.on('message', (word: 'received' | 'forget' | 'count' | { hang: string[] }) => {
  if (word === 'forget') return void received.splice(0);
  if (word === 'count') return void process.send?.({ count: answered });
  if (word === 'received') return void process.send?.({ received });
  hanging = new Set(word.hang);
  for (const socket of left) socket.destroy();
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : null });
});
