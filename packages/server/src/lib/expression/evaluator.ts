import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import jsonata from 'jsonata';
import type { ExpressionAnswer, ExpressionTask } from './protocol.ts';

/**
 * Evaluates JSONata that strangers have written, one task after the other and each expression in its turn
 * (one that does not end keeps others waiting for one of its tasks, never for all of them), in a process of its own with
 * a small heap and none of our environment: an expression that does not end, or wants too much memory,
 * ends with it and concerns nobody else. (A thread would not do: V8 ends the whole process when the heap
 * of one of its threads runs out within a single call.)
 */
export interface ExpressionEvaluator {
  /**
   * What the expression makes of the input; undefined: nothing. Rejects with ExpressionError.
   */
  evaluate(expression: string, input: unknown): Promise<unknown>;
  /** The same from JSON to JSON. */
  evaluateText(expression: string, json: string): Promise<string | undefined>;
  /** What waits is rejected, and whatever comes later. */
  close(): void;
}

/**
 * `expression`: it fails on this input, and will again; `limit`: it wants more time or memory than it may
 * have; `ours`: nothing is known about it.
 */
export type ExpressionFault = 'expression' | 'limit' | 'ours';

/** Its message is a sentence for whoever wrote the expression. */
export class ExpressionError extends Error {
  readonly fault: ExpressionFault;

  constructor(fault: ExpressionFault, message: string) {
    super(message);
    this.name = 'ExpressionError';
    this.fault = fault;
  }
}

const PROGRAM = fileURLToPath(new URL('./process.ts', import.meta.url));
/** An evaluation may take this long, ms. */
const LIMIT_MS = 1_000;
/** And the process to start. */
const START_MS = 30_000;
const HEAP_MB = 64;
/** What it makes may have so many bytes, as JSON. */
const MAX_BYTES = 1_048_576;
/** How V8 ends a process whose heap has run out. */
const OUT_OF_MEMORY: readonly (NodeJS.Signals | null)[] = ['SIGABRT', 'SIGTRAP', 'SIGILL'];
/** Expressions longer than this are programs. */
export const MAX_EXPRESSION_CHARS = 10_000;

/** Null when it can be compiled; otherwise what is wrong with it, and where. */
export function explainExpression(expression: string): string | null {
  if (expression.length > MAX_EXPRESSION_CHARS) {
    return `An expression has at most ${MAX_EXPRESSION_CHARS} characters.`;
  }
  try {
    jsonata(expression);
    return null;
  } catch (error) {
    const { message, position } = error as { message?: string; position?: number };
    return `It is not JSONata: ${message ?? 'unknown'}${position === undefined ? '' : ` (at character ${position})`}.`;
  }
}

interface Waiting extends ExpressionTask {
  resolve(json: string | undefined): void;
  reject(error: ExpressionError): void;
}

export function createExpressionEvaluator(limits = { timeMs: LIMIT_MS }): ExpressionEvaluator {
  /** By expression; the next turn is that of the first. */
  const queues = new Map<string, Waiting[]>();
  let closed = false;
  let child: ChildProcess | null = null;
  let current: Waiting | null = null;
  let timer: NodeJS.Timeout | null = null;

  function settle(answer: ExpressionAnswer | ExpressionError): void {
    const done = current;
    current = null;
    if (timer !== null) clearTimeout(timer);
    child?.unref();
    child?.channel?.unref();
    if (done === null) return;
    if (answer instanceof ExpressionError) done.reject(answer);
    else if (!answer.ok) done.reject(new ExpressionError('expression', answer.error));
    else if (Buffer.byteLength(answer.json ?? '') > MAX_BYTES) {
      const why = `What it makes has more than ${MAX_BYTES} bytes.`;
      done.reject(new ExpressionError('expression', why));
    } else done.resolve(answer.json);
    next();
  }

  function start(): ChildProcess {
    const started = fork(PROGRAM, [], {
      execArgv: [`--max-old-space-size=${HEAP_MB}`, '--disable-warning=ExperimentalWarning'],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    started.on('message', (answer: ExpressionAnswer | 'ready') => {
      if (answer !== 'ready') settle(answer);
      else if (started === child && current !== null) limit(started, limits.timeMs);
    });
    started.on('error', () => lose(started, BROKEN_OFF));
    started.on('exit', (_code, signal) => {
      lose(started, OUT_OF_MEMORY.includes(signal) ? TOO_GREEDY : BROKEN_OFF);
    });
    return started;
  }

  function lose(lost: ChildProcess, why: ExpressionError): void {
    if (child !== lost) return;
    child = null;
    lost.kill('SIGKILL');
    settle(why);
  }

  function next(): void {
    if (current !== null) return;
    const [turn] = queues;
    if (turn === undefined) return;
    const [expression, [task, ...rest]] = turn;
    queues.delete(expression);
    if (rest.length > 0) queues.set(expression, rest);
    if (task === undefined) return;
    current = task;
    const isNew = child === null;
    child ??= start();
    const running = child;
    // It holds the process only while somebody waits for it.
    running.ref();
    running.channel?.ref();
    running.send({ expression: task.expression, input: task.input }, () => {});
    limit(running, isNew ? START_MS : limits.timeMs);
  }

  function limit(running: ChildProcess, timeMs: number): void {
    if (timer !== null) clearTimeout(timer);
    const late = new ExpressionError('limit', `It did not end within ${timeMs} ms.`);
    timer = setTimeout(() => lose(running, late), timeMs);
  }

  function evaluateText(expression: string, json: string): Promise<string | undefined> {
    if (closed) return Promise.reject(STOPPED);
    return new Promise((resolve, reject) => {
      const waiting = { expression, input: json, resolve, reject };
      const queue = queues.get(expression);
      if (queue === undefined) queues.set(expression, [waiting]);
      else queue.push(waiting);
      next();
    });
  }

  return {
    evaluateText,
    async evaluate(expression, input) {
      const json = await evaluateText(expression, JSON.stringify(input));
      return json === undefined ? undefined : JSON.parse(json);
    },
    close() {
      closed = true;
      const waiting = [...queues.values()].flat();
      queues.clear();
      for (const { reject } of waiting) reject(STOPPED);
      if (child !== null) lose(child, STOPPED);
    },
  };
}

const STOPPED = new ExpressionError('ours', 'The process stops.');
const BROKEN_OFF = new ExpressionError('ours', 'Its evaluation broke off.');
const TOO_GREEDY = new ExpressionError(
  'limit',
  'It wants more memory than an expression may have.',
);
