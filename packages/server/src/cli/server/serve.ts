import { flushCompileCache } from 'node:module';
import pc from 'picocolors';
import { loadConfig } from '../../config/load-config.ts';
import { ConfigError, type SettingName } from '../../config.ts';
import { messageOf } from '../../lib/errors.ts';
import { createLog, type Log } from '../../lib/log.ts';
import { createMemoryKeeper } from '../../lib/memory-keeper.ts';
import { type RunningPosthorn, startPosthorn } from '../../main.ts';
import { loadKeyMaterial } from '../key-material.ts';

/** Beyond the grace that work under way has, for what has to be stored after it, ms. */
const EXIT_MARGIN_MS = 10_000;
const MEMORY_LOOK_MS = 1_000;

/** `posthorn serve`: runs until SIGTERM or SIGINT. Resolves with the exit code. */
export async function serve(input: {
  flags: Partial<Record<SettingName, string>>;
  file?: string;
}): Promise<number> {
  let log: Log | null = null;
  try {
    const config = loadConfig({ ...input, env: process.env });
    const pretty =
      config.logFormat === 'pretty' || (config.logFormat === 'auto' && process.stderr.isTTY);
    log = createLog({ level: config.logLevel, pretty });
    const stopAsked = listenForSignals(log);
    const starting = startPosthorn(config, loadKeyMaterial(config), { log });
    exitIfStuck(starting, stopAsked, { log, boundMs: config.shutdownGrace });
    const running = await starting;
    announceKey(running);
    keepMemorySmall();
    log.info(
      {
        http: running.httpUrl,
        smtp: running.smtp,
        smtpTlsPort: running.smtpTlsPort,
        returnPathPort: running.returnPathPort,
        roles: config.roles,
      },
      'Posthorn is ready',
    );
    // What was compiled for this start is read back by the next one, also after a SIGKILL.
    flushCompileCache();
    await stopAsked;
    return await stop(running, log, config.shutdownGrace + EXIT_MARGIN_MS);
  } catch (error) {
    const hint = error instanceof ConfigError ? '\nAll settings: docs/configuration.md' : '';
    process.stderr.write(`posthorn: ${explainStart(error)}${hint}\n`);
    return error instanceof ConfigError ? 2 : 1;
  }
}

/** `posthorn` starts Node with --expose-gc for this (bin/posthorn.mjs). */
function keepMemorySmall(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  const collect = (): void => void gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  setInterval(createMemoryKeeper(collect), MEMORY_LOOK_MS).unref();
}

/** Written to standard output and never to the log, which is kept and shipped elsewhere. */
function announceKey({ newApiKey, httpUrl }: RunningPosthorn): void {
  if (newApiKey === null) return;
  process.stdout.write(
    [
      '',
      pc.bold('  Your API key. It is shown this once:'),
      '',
      `    ${newApiKey}`,
      '',
      `  API documentation: ${httpUrl}/docs`,
      '',
      '',
    ].join('\n'),
  );
}

function explainStart(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    return `Port ${error.port} is in use. Stop what listens there, or choose another with --port, --smtp-port or --return-path-port.`;
  }
  if (error instanceof Error && 'code' in error && error.code === 'EACCES' && 'port' in error) {
    return `Port ${error.port} needs more rights. Choose one above 1023 with --port, --smtp-port or --return-path-port.`;
  }
  return messageOf(error);
}

/** Resolves at the first SIGTERM or SIGINT, also one that comes while the server still starts. */
function listenForSignals(log: Log): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        log.info({ signal }, 'Stopping: no new work, what is under way ends');
        resolve();
      });
    }
  });
}

/**
 * A start may wait for something that does not answer, a database say. Who asks to stop meanwhile gets it
 * after the grace: nothing was promised to anybody yet, and a migration that is cut off is rolled back.
 */
function exitIfStuck(
  starting: Promise<unknown>,
  stopAsked: Promise<void>,
  { log, boundMs }: { log: Log; boundMs: number },
): void {
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  starting.then(end, end);
  void stopAsked.then(() => {
    setTimeout(() => {
      if (isOver) return;
      log.warn({ boundMs }, 'Stopped in the middle of the start, which did not come to its end');
      process.exit(0);
    }, boundMs).unref();
  });
}

async function stop(running: RunningPosthorn, log: Log, boundMs: number): Promise<number> {
  const forced = setTimeout(() => {
    log.error({ boundMs }, 'Stopping took too long; what is under way will be tried again');
    process.exit(1);
  }, boundMs);
  try {
    await running.stop();
    log.info({}, 'Stopped');
    return 0;
  } catch (error) {
    log.error({ error: messageOf(error) }, 'Stopping failed');
    return 1;
  } finally {
    clearTimeout(forced);
  }
}
