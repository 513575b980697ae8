import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CanonicalEvent } from '@posthorn/sdk';
import type { Log } from '../../lib/log.ts';
import { startPosthorn } from '../../main.ts';
import { loadKeyMaterial } from '../key-material.ts';
import { createDemoApi, type DemoApi } from './demo-api.ts';
import { createDemoConfig, DEMO_SMTP_PORT, DEMO_SMTP_USER, freePortOr0 } from './demo-settings.ts';
import { type SampleReceiver, startSampleReceiver } from './sample-receiver.ts';
import { startSandboxMailServer } from './sandbox-mail-server.ts';
import type { Submission } from './send-messages.ts';

/** All that runs: the sandbox mail server, Posthorn, the sample receiver and its endpoint. */
export interface RunningDemo {
  httpUrl: string;
  apiKey: string;
  /** Who may sign in to the portal. */
  owner: { email: string; password: string };
  api: DemoApi;
  submission: Submission;
  receiver: SampleReceiver;
  /** Stops what was started, the last first, and deletes the data. */
  stop(): Promise<void>;
}

/** Fixed, so that every run shows the same failures. */
const SEED = 1865;

/** Starts everything; where a part does not start, those before it are stopped again. */
export async function startDemo(options: {
  /** 0 takes any free port. */
  port: number;
  /** Whether SMTP takes any free port too. */
  isOnce: boolean;
  log: Log;
  onStep(text: string): void;
  onEvent(event: CanonicalEvent): void;
}): Promise<RunningDemo> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const sandbox = await startSandboxMailServer({ patience: 1 });
    stops.push(sandbox.stop);
    options.onStep(`Sandbox mail server on ${sandbox.host}:${sandbox.port}`);

    const receiver = await startSampleReceiver({ seed: SEED, onEvent: options.onEvent });
    stops.push(receiver.stop);
    options.onStep(`Webhook receiver on ${receiver.url}, which fails on purpose now and then`);

    const dataFolder = await mkdtemp(join(tmpdir(), 'posthorn-demo-'));
    stops.push(() => rm(dataFolder, { recursive: true, force: true }));
    const port = await freePortOr0(options.port);
    if (port !== options.port) {
      options.onStep(`Port ${options.port} is taken by another program; using a free one`);
    }
    const smtpPort = options.isOnce ? 0 : await freePortOr0(DEMO_SMTP_PORT);
    const { config, apiKey } = createDemoConfig({ dataFolder, port, smtpPort, sandbox });
    const { httpUrl, smtp, ...posthorn } = await startPosthorn(config, loadKeyMaterial(config), {
      log: options.log,
    });
    stops.push(() => posthorn.stop());
    if (smtp === null) throw new Error('Posthorn has started without SMTP.');
    options.onStep(`Posthorn on ${httpUrl}, SMTP on ${smtp.host}:${smtp.port}`);

    const api = createDemoApi({ httpUrl, apiKey });
    const endpoint = await api.createEndpoint({
      url: receiver.url,
      event_types: ['*'],
      description: 'Sample receiver of the demo',
    });
    receiver.useSecret(endpoint.secret);
    options.onStep(`Webhook endpoint ${endpoint.id} for all events, posts signed`);
    const owner = { email: 'owner@demo.test', password: randomBytes(9).toString('base64url') };
    await api.createOwner({ ...owner, setup_token: apiKey });
    const submission = { ...smtp, user: DEMO_SMTP_USER, password: apiKey };
    return { httpUrl, apiKey, owner, api, submission, receiver, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
