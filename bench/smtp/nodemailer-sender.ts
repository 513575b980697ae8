/**
 * nodemailer's SMTPConnection alone: sends the same message over and over, over as many connections as it is
 * told, for as long as it is told. A process of its own; arguments: port, connections, bytes.
 */
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { composeBenchMessage } from './message.ts';

const [port = 0, connections = 0, sizeBytes = 0] = process.argv.slice(2).map(Number);
const raw = composeBenchMessage(sizeBytes);
/** One for each message: nodemailer writes into it what became of the recipients. */
const envelope = () => ({ from: 'shop@bench.example', to: ['user@ok.example'] });

async function open(): Promise<SMTPConnection> {
  const connection = new SMTPConnection({ host: '127.0.0.1', port, ignoreTLS: true });
  await new Promise<void>((resolve, reject) => {
    connection.once('error', reject);
    connection.connect(() => resolve());
  });
  return connection;
}

async function sendUntil(connection: SMTPConnection, endMs: number): Promise<number> {
  let sent = 0;
  while (performance.now() < endMs) {
    await new Promise<void>((resolve, reject) => {
      connection.send(envelope(), raw, (error) => (error ? reject(error) : resolve()));
    });
    sent += 1;
  }
  return sent;
}

const all = await Promise.all(Array.from({ length: connections }, open));
process.on('message', async ({ forMs }: { forMs: number }) => {
  const startedAt = performance.now();
  const sent = await Promise.all(all.map((one) => sendUntil(one, startedAt + forMs)));
  const tookMs = performance.now() - startedAt;
  process.send?.(sent.reduce((sum, count) => sum + count, 0) / (tookMs / 1_000));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port });
