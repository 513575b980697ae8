/**
 * The receiving end of the bench `tls`: a process of its own with as many HTTPS endpoints as it is told,
 * each on a port of 127.0.0.1, all with one certificate. It answers every POST with 204.
 *
 * Arguments: files of the certificate and its key, and how many endpoints.
 */
import { readFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { findRequestEnd } from './request-end.ts';

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n');
const [certificate = '', key = '', endpoints = '1'] = process.argv.slice(2);
const open = new Set<TLSSocket>();
const counts = { handshakes: 0, resumed: 0, open: 0, mostOpen: 0 };

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
server.on('secureConnection', (socket) => {
  counts.handshakes += 1;
  if (socket.isSessionReused()) counts.resumed += 1;
  open.add(socket);
  counts.mostOpen = Math.max(counts.mostOpen, open.size);
  let rest: Buffer | null = null;
  socket.on('error', () => {});
  socket.on('close', () => open.delete(socket));
  socket.on('data', (chunk) => {
    let bytes = rest === null ? chunk : Buffer.concat([rest, chunk]);
    for (let found = findRequestEnd(bytes); found !== null; found = findRequestEnd(bytes)) {
      socket.write(ANSWER);
      bytes = bytes.subarray(found.end);
      if (bytes.length === 0) break;
    }
    rest = bytes.length === 0 ? null : bytes;
  });
});

process.on('message', (word: 'counts' | 'hang up') => {
  if (word === 'hang up') for (const socket of open) socket.destroy();
  process.send?.({ ...counts, open: open.size });
  counts.handshakes = 0;
  counts.resumed = 0;
  counts.mostOpen = open.size;
});
process.on('disconnect', () => process.exit(0));

const ports = Array.from({ length: Number(endpoints) }, listen);
process.send?.({ ports: await Promise.all(ports) });

function listen(): Promise<number> {
  const door = createTcpServer({ noDelay: true }, (socket) => server.emit('connection', socket));
  return new Promise((resolve) => {
    door.listen(0, '127.0.0.1', () => {
      const address = door.address();
      resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
    });
  });
}
