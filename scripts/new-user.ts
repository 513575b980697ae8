/**
 * `npm run new-user`: does what the README tells a new user, in a fresh clone, and times it. The commands and
 * the receiver are read out of the README itself, so that what is tested is what people read. It fails
 * when a webhook of one's own is not there after six commands and five minutes.
 *
 * Ports are free ones, and DNS is asked nothing: the message never leaves this machine.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAX_COMMANDS = 6;
const MAX_MS = 5 * 60_000;
const SECTION = 'Your first webhook in five minutes';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Guide {
  commands: string[];
  receiver: string;
}

/** The commands of the section, each on one line, and the receiver's code. */
export function readGuide(readme: string): Guide {
  const [, rest = ''] = readme.split(`## ${SECTION}\n`);
  const section = rest.split(/^## /m)[0] ?? '';
  const receiver = /```js\n([\s\S]*?)```/.exec(section)?.[1];
  if (receiver === undefined) throw new Error(`The README has no receiver under "${SECTION}".`);
  const indented = section.replace(/```[\s\S]*?```/g, '').matchAll(/(?:^ {4}.*\n|^\n)+/gm);
  const blocks = [...indented].map(([block]) => block.replace(/^ {4}/gm, ''));
  const commands = joinLines(blocks.join('\n')).filter((line) =>
    /^(git|npx|curl|WEBHOOK_SECRET=)/.test(line),
  );
  // What stands there for networks without port 25, and for who wants to know more, is not on the way.
  const onTheWay = commands.filter((line) => !/--smarthost|posthorn check/.test(line));
  return { commands: onTheWay, receiver };
}

/** A command goes on behind a backslash, and until its quotes are closed. */
function joinLines(text: string): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of text.replace(/\\\n\s*/g, '').split('\n')) {
    const whole = open === '' ? line : `${open} ${line.trim()}`;
    const isOpen = whole.split("'").length % 2 === 0;
    open = isOpen ? whole : '';
    if (!isOpen) commands.push(whole);
  }
  return commands;
}

interface Step {
  command: string;
  durationMs: number;
}

interface Running {
  child: ChildProcess;
  /** What it has written so far. */
  text(): string;
  /** Resolves with the match once it has written it. */
  wrote(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<number | null>;
}

function start(command: string, cwd: string, env: Record<string, string>): Running {
  // A group of its own, so that what npx starts ends with it.
  const child = spawn('sh', ['-c', command], {
    cwd,
    detached: true,
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const looks = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const look of looks) look();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child,
    text: () => text,
    ended,
    wrote: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(text);
          if (found !== null) resolve(found);
        };
        looks.add(look);
        look();
        void ended.then(() => reject(new Error(`"${command}" ended without ${pattern}:\n${text}`)));
      }),
  };
}

const withoutSettings = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !/^(POSTHORN_|npm_|INIT_CWD|DATABASE_URL)/.test(entry[0]),
    ),
  );

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Goes the way of the README. Resolves with what was typed and how long each took. */
async function walk(folder: string, running: Running[]): Promise<Step[]> {
  const guide = readGuide(readFileSync(join(root, 'README.md'), 'utf8'));
  const [http, smtp, hook] = [await freePort(), await freePort(), await freePort()];
  const onPorts = (text: string): string =>
    text.replaceAll('8480', String(http)).replaceAll('3000', String(hook));
  const checkout = join(folder, 'posthorn');
  const secrets = { key: '', signing: '', message: '' };
  const env: Record<string, string> = {
    POSTHORN_PORT: String(http),
    POSTHORN_SMTP_PORT: String(smtp),
    POSTHORN_DNS_SERVERS: '127.0.0.1:9',
  };
  const steps: Step[] = [];
  for (const written of guide.commands) {
    const command = onPorts(written)
      .replace('<this repository>', `'${root}'`)
      .replace('whsec_...', secrets.signing)
      .replace('msg_...', secrets.message);
    const startedMs = performance.now();
    const isClone = command.startsWith('git');
    const one = start(command, isClone ? folder : checkout, {
      ...env,
      POSTHORN_API_KEY: secrets.key,
    });
    running.push(one);
    if (/posthorn serve/.test(command)) {
      secrets.key = (await one.wrote(/phk_[\w-]+/))[0];
      await one.wrote(/Posthorn is ready/);
    } else if (/node receiver\.mjs/.test(command)) {
      await waitForPort(hook, one);
    } else {
      const code = await one.ended;
      if (code !== 0) throw new Error(`"${command}" ended with ${code}:\n${one.text()}`);
      secrets.signing = /whsec_[\w+/=]+/.exec(one.text())?.[0] ?? secrets.signing;
      secrets.message = /msg_\w+/.exec(one.text())?.[0] ?? secrets.message;
      if (isClone) writeFileSync(join(checkout, 'receiver.mjs'), onPorts(guide.receiver));
    }
    steps.push({ command: written, durationMs: performance.now() - startedMs });
    process.stdout.write(`${seconds(steps.at(-1)?.durationMs ?? 0)}  ${written}\n`);
  }
  const receiver = running.find((one) => one.child.spawnargs.join(' ').includes('receiver.mjs'));
  // The receiver prints only what it has verified.
  const webhook = await receiver?.wrote(/evt_\w+ email\.accepted \S+/);
  process.stdout.write(`verified: ${webhook?.[0]}\n`);
  return steps;
}

async function waitForPort(port: number, running: Running): Promise<void> {
  let hasEnded = false;
  void running.ended.then(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    if (answer !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The receiver has ended:\n${running.text()}`);
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1).padStart(6)} s`;

/** What hangs is over long after it was too slow. */
const giveUp = (ms: number): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`Not there after ${ms / 60_000} minutes.`)), ms).unref();
  });

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-new-user-'));
  const running: Running[] = [];
  const startedMs = performance.now();
  try {
    const steps = await Promise.race([walk(folder, running), giveUp(2 * MAX_MS)]);
    const totalMs = performance.now() - startedMs;
    const isGood = steps.length <= MAX_COMMANDS && totalMs <= MAX_MS;
    process.stdout.write(
      `${seconds(totalMs)}  from nothing to a verified webhook, with ${steps.length} commands (at most ${MAX_COMMANDS}, and ${MAX_MS / 1_000} s)\n`,
    );
    return isGood ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    return 1;
  } finally {
    for (const { child, ended } of running) {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It had ended before.
      }
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main();
