import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { CanonicalEvent } from '@posthorn/sdk';
import pc from 'picocolors';
import { ConfigError } from '../../config.ts';
import { sampleEvent } from '../../core/events/event-samples.ts';
import { createIds } from '../../core/ids.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { CheckContext, Effects } from './check/check.ts';
import { type CheckResult, runChecks } from './check/run-checks.ts';
import { readHttpUrl } from './webhook/command-url.ts';
import { createExchanger } from './webhook/exchange.ts';
import { createWebhookWriter, readSecret } from './webhook/webhook-writer.ts';

export interface CheckInput {
  url: string;
  secret: string;
  dialect: string;
  /** Answers a GET with a text that changes with each event that is handled. */
  effects?: string;
  /** A file with the certificate of a private authority. */
  ca?: string;
  json: boolean;
}

/** What the command needs of the world, so that a test can give it. */
export interface CheckWorld {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  /** For one answer, ms. */
  timeoutMs: number;
  out(line: string): void;
  err(line: string): void;
  colors: ReturnType<typeof pc.createColors>;
}

const SYSTEM_WORLD: CheckWorld = {
  nowMs: () => systemClock.now(),
  sleep: (ms) => delay(ms),
  // As long as Posthorn itself waits for an endpoint.
  timeoutMs: 15_000,
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  colors: pc.createColors(pc.isColorSupported && process.stdout.isTTY === true),
};

/** As many as senders open at most; more would test the machine instead of the receiver. */
const CONNECTIONS = 50;

/**
 * `posthorn check URL`: treats a receiver of webhooks as a hostile network would, and says what to
 * change. Resolves with the exit code: 0 when nothing failed, 1 when something did, 2 for misuse.
 */
export async function checkEndpoint(
  input: CheckInput,
  world: CheckWorld = SYSTEM_WORLD,
): Promise<number> {
  // Of certificates one check speaks; samples have nothing secret in them, so the others go on.
  const exchanger = createExchanger({ ...world, connections: CONNECTIONS, trusts: () => true });
  try {
    const context = createContext(input, world, exchanger.send);
    const results: CheckResult[] = [];
    if (!input.json) world.out(`${context.url.href} (${context.writer.dialect})\n`);
    for await (const result of runChecks(context)) {
      results.push(result);
      if (!input.json) world.out(render(result, world.colors));
    }
    return report(results, context, { input, world });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    world.err(
      input.json
        ? JSON.stringify({ code: 'misuse', message: error.message })
        : `posthorn check: ${error.message}`,
    );
    return 2;
  } finally {
    exchanger.close();
  }
}

function createContext(
  input: CheckInput,
  world: CheckWorld,
  send: CheckContext['send'],
): CheckContext {
  const url = readHttpUrl(input.url, 'The URL');
  const { nowMs, sleep } = world;
  const ids = createIds({ now: nowMs, randomBytes });
  // One message for each event, so that nothing of one check is a duplicate in another.
  const newEvent = (type: CanonicalEvent['type'] = 'email.bounced'): CanonicalEvent =>
    sampleEvent(type, { id: ids.next('event'), atMs: nowMs() });
  return {
    url,
    writer: createWebhookWriter({ dialect: input.dialect, secret: readSecret(input.secret) }),
    ca: input.ca === undefined ? null : readCertificate(input.ca),
    nowMs,
    sleep,
    send,
    newEvent,
    effects: input.effects === undefined ? null : createEffects(input.effects, send),
  };
}

function createEffects(given: string, send: CheckContext['send']): Effects {
  const url = readHttpUrl(given, '--effects');
  return {
    async read() {
      const reply = await send({ url, method: 'GET', headers: {}, body: null });
      if (reply.status === 200) return reply.text.trim();
      const what = reply.status ?? reply.error;
      throw new ConfigError(
        `--effects: ${url.href} has to answer a GET with 200; it gave ${what}.`,
      );
    },
  };
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`--ca: ${file} cannot be read: ${messageOf(error)}`);
  }
}

function render({ title, result, reason, fix }: CheckResult, colors: CheckWorld['colors']): string {
  const marks = {
    pass: colors.green('pass'),
    fail: colors.bold(colors.red('FAIL')),
    skip: colors.yellow('skip'),
  };
  const change = fix === undefined ? '' : `\n        ${colors.bold('Change:')} ${fix}`;
  return `  ${marks[result]}  ${title.padEnd(36)}${reason}${change}`;
}

function report(
  results: readonly CheckResult[],
  context: CheckContext,
  { input, world }: { input: CheckInput; world: CheckWorld },
): number {
  const count = (wanted: CheckResult['result']): number =>
    results.filter(({ result }) => result === wanted).length;
  const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip')];
  if (input.json) {
    const checks = results.map(({ check, title, result, reason, fix, durationMs }) => ({
      check,
      title,
      result,
      reason,
      fix: fix ?? null,
      duration_ms: durationMs,
    }));
    const { url, writer } = context;
    const head = { url: url.href, dialect: writer.dialect, passed, failed, skipped };
    world.out(JSON.stringify({ ...head, checks }));
  } else {
    world.out(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  return failed === 0 ? 0 : 1;
}
