import { once } from 'node:events';
import type { CanonicalEvent } from '@posthorn/sdk';
import pc from 'picocolors';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { plain } from '../output/columns.ts';
import type { MessageView } from './demo-api.ts';
import { DEMO_MESSAGES } from './demo-messages.ts';
import { DEMO_PORT } from './demo-settings.ts';
import { openBrowser } from './open-browser.ts';
import { createProgress, type Progress } from './progress.ts';
import { type DemoReport, reconcile } from './reconcile.ts';
import { sendMessages } from './send-messages.ts';
import { type RunningDemo, startDemo } from './start-demo.ts';
import { type Colors, renderTimeline } from './timeline-table.ts';
import { waitUntilSettled } from './wait-until-settled.ts';
import { renderWhatToTry } from './what-to-try.ts';

export interface DemoArguments {
  /** Stop when the report is printed, instead of running on for trying out. */
  once: boolean;
  /** The last line of stdout is the report as JSON; everything for people goes to stderr. */
  json: boolean;
  port?: number;
}

/** How long the slowest retries may take before the run counts as failed. */
const BOUND_MS = 60_000;

/** One Ctrl-C comes several times, from the terminal and by way of npm; this soon it is the same. */
const ECHO_MS = 1_000;

const NOTHING: Omit<DemoReport, 'problems'> = {
  messages: 0,
  events: {},
  webhooks: { sent: 0, verified: 0, retried: 0 },
  missing: 0,
  ok: false,
};

/**
 * `posthorn demo`: Posthorn, a mail server that bounces and defers, and an application that receives
 * webhooks, on this machine. Sends messages, shows what became of them, and checks that the
 * application was told everything. Returns the exit code: 0 only if it was.
 */
export async function runDemo(args: DemoArguments): Promise<number> {
  const out = args.json ? process.stderr : process.stdout;
  const colors = pc.createColors(pc.isColorSupported && out.isTTY === true);
  const progress = createProgress(out, colors);
  const abort = new AbortController();
  let firstMs: number | null = null;
  const interrupt = (): void => {
    // Whoever presses Ctrl-C twice does not want to wait.
    if (firstMs !== null && Date.now() - firstMs > ECHO_MS) process.exit(130);
    firstMs ??= Date.now();
    abort.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  try {
    return await run(args, { progress, colors, width: out.columns ?? 100, signal: abort.signal });
  } catch (error) {
    progress.failed(messageOf(error));
    if (args.json) process.stdout.write(`${JSON.stringify(NOTHING)}\n`);
    return 1;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
  }
}

interface Screen {
  progress: Progress;
  colors: Colors;
  width: number;
  signal: AbortSignal;
}

async function run(args: DemoArguments, screen: Screen): Promise<number> {
  const { progress, signal } = screen;
  let isStopping = false;
  let onEvent: (event: CanonicalEvent) => void = () => {};
  const demo = await startDemo({
    port: args.port ?? (args.once ? 0 : DEMO_PORT),
    isOnce: args.once,
    log: troubleLog(progress, () => isStopping),
    onStep: progress.done,
    onEvent: (event) => onEvent(event),
  });
  try {
    const { report, messages } = await sendAndWait(demo, screen);
    for (const message of messages) {
      progress.line('');
      for (const line of renderTimeline(message, { ...screen, nowMs: Date.now() })) {
        progress.line(line);
      }
    }
    progress.line('');
    showReport(report, screen);
    if (!args.once && !signal.aborted) {
      for (const line of ['', ...whatToTry(demo, messages, screen.colors)]) progress.line(line);
      if (process.stdout.isTTY) openBrowser(`${demo.httpUrl}/portal/`);
      onEvent = (event) => progress.done(`told: ${describeEvent(event)}`);
      if (!signal.aborted) await once(signal, 'abort');
      onEvent = () => {};
      progress.now('Stopping');
    }
    if (args.json) {
      const { problems: _problems, ...line } = report;
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
    return report.ok || (signal.aborted && !args.once) ? 0 : 1;
  } finally {
    isStopping = true;
    await demo.stop();
    if (!args.once) progress.done('Stopped');
  }
}

async function sendAndWait(
  { api, receiver, submission }: RunningDemo,
  { progress, signal }: Screen,
): Promise<{ report: DemoReport; messages: MessageView[] }> {
  progress.now('Sending messages');
  const sent = await sendMessages(DEMO_MESSAGES, { api, submission });
  const bySmtp = sent.filter(({ message }) => message.door === 'smtp').length;
  progress.done(
    `${sent.length} messages accepted: ${sent.length - bySmtp} by HTTP, ${bySmtp} by SMTP`,
  );
  const { messages, log } = await waitUntilSettled({
    api,
    receiver,
    ids: sent.map(({ id }) => id),
    boundMs: BOUND_MS,
    signal,
    onProgress: progress.now,
  });
  const report = reconcile({ sent, messages, log, tally: receiver.tally() });
  return { report, messages };
}

function showReport({ events, webhooks, missing, ok, problems }: DemoReport, screen: Screen): void {
  const { progress } = screen;
  const counts = Object.entries(events).map(([type, count]) => `${count} ${type}`);
  progress.line(`Events in the log: ${counts.join(', ') || 'none'}`);
  progress.line(
    `Webhooks: ${webhooks.sent} owed, ${webhooks.verified} arrived with a valid signature, ${webhooks.retried} of them only when tried again, ${missing} missing`,
  );
  for (const problem of problems) progress.failed(problem);
  if (ok) progress.done('Everything that happened was told, and nothing else.');
}

function whatToTry(
  { httpUrl, apiKey, owner, submission, receiver }: RunningDemo,
  messages: readonly MessageView[],
  colors: Colors,
): string[] {
  const message = messages.find(({ recipients }) => recipients.length > 1) ?? messages[0];
  return renderWhatToTry({
    httpUrl,
    apiKey,
    owner,
    submission,
    receiverUrl: receiver.url,
    messageId: message?.id ?? '',
    deliveryId: message?.timeline.at(-1)?.deliveries[0]?.id ?? '',
    colors,
  });
}

function describeEvent({ type, data }: CanonicalEvent): string {
  const reply = data.delivery?.response;
  return plain([type, data.recipient, reply].filter(Boolean).join('  '));
}

/** Posthorn's own log would drown the demo; its warnings are shown, until it stops on purpose. */
function troubleLog(progress: Progress, isStopping: () => boolean): Log {
  const show = (fields: object, message: string): void => {
    if (!isStopping()) progress.failed(`${message} ${JSON.stringify(fields)}`);
  };
  return { debug() {}, info() {}, warn: show, error: show };
}
