import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { loadConfig } from '../../config/load-config.ts';
import type { Config } from '../../config.ts';

export const DEMO_PORT = 8480;
export const DEMO_SMTP_PORT = 2525;
export const DEMO_SMTP_USER = 'posthorn';
const HOST = '127.0.0.1';

/** Short, so that what takes days elsewhere is seen within seconds. */
const WEBHOOK_LADDER = '1s,2s,4s,8s,8s,8s';
const MAIL_LADDER = '1s,2s,4s';
const MAIL_EXPIRY = '10m';

/**
 * The settings of the demo's Posthorn: all on loopback, a data folder of its own, all mail to the
 * sandbox. What stands in the environment does not count.
 */
export function createDemoConfig(input: {
  dataFolder: string;
  port: number;
  smtpPort: number;
  sandbox: { host: string; port: number };
}): { config: Config; apiKey: string } {
  const apiKey = `phk_${randomBytes(24).toString('base64url')}`;
  const config = loadConfig({
    flags: {
      data: input.dataFolder,
      host: HOST,
      port: String(input.port),
      smtpPort: String(input.smtpPort),
      hostname: 'posthorn.demo',
      apiKey,
      smarthost: `smtp://${input.sandbox.host}:${input.sandbox.port}`,
      mailTls: 'off',
      mailRetryLadder: MAIL_LADDER,
      mailExpiry: MAIL_EXPIRY,
      webhookRetryLadder: WEBHOOK_LADDER,
      endpointNetworks: 'loopback',
      shutdownGrace: '2s',
    },
  });
  return { config, apiKey };
}

/** `wanted` if nobody listens there, otherwise 0, which takes any free port. */
export async function freePortOr0(wanted: number): Promise<number> {
  if (wanted === 0) return 0;
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(0));
    probe.listen(wanted, HOST, () => probe.close(() => resolve(wanted)));
  });
}
