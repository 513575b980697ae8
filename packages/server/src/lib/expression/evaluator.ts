import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import jsonata from 'jsonata';
import type { ExpressionAnswer, ExpressionTask } from './protocol.ts';

/**
 * Evaluates JSONata that strangers have written, one task after the other, in a process of its own with
 * a small heap and none of our environment: an expression that does not end, or wants too much memory,
 * ends with it and concerns nobody else. (A thread would not do: V8 ends the whole process when the heap
 * of one of its threads runs out within a single call.)
 */
export interface ExpressionEvaluator {
  /**
   * What the expression makes of the input; undefined: nothing. Rejects with ExpressionError.
   */
  evaluate(expression: string, input: unknown): Promise<unknown>;
  close(): void;
}

/** Its message is a sentence for whoever wrote the expression. */
export class ExpressionError extends Error {}

const PROGRAM = fileURLToPath(new URL('./process.ts', import.meta.url));
/** An evaluation may take this long, ms. */
const LIMIT_MS = 1_000;
/** And the process to start. */
const START_MS = 30_000;
const HEAP_MB = 64;
/** What it makes may have so many bytes, as JSON. */
const MAX_BYTES = 1_048_576;
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
  resolve(value: unknown): void;
  reject(error: ExpressionError): void;
}

export function createExpressionEvaluator(limits = { timeMs: LIMIT_MS }): ExpressionEvaluator {
  const queue: Waiting[] = [];
  let child: ChildProcess | null = null;
  let current: Waiting | null = null;
  let timer: NodeJS.Timeout | null = null;

  function settle(answer: ExpressionAnswer): void {
    const done = current;
    current = null;
    if (timer !== null) clearTimeout(timer);
    child?.unref();
    child?.channel?.unref();
    if (done === null) return;
    if (!answer.ok) done.reject(new ExpressionError(answer.error));
    else if (answer.json === undefined) done.resolve(undefined);
    else if (Buffer.byteLength(answer.json) > MAX_BYTES) {
      done.reject(new ExpressionError(`What it makes has more than ${MAX_BYTES} bytes.`));
    } else done.resolve(JSON.parse(answer.json));
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
    started.on('error', () => lose(started, 'Its evaluation broke off.'));
    started.on('exit', () => lose(started, 'It wants more memory than an expression may have.'));
    return started;
  }

  function lose(lost: ChildProcess, why: string): void {
    if (child !== lost) return;
    child = null;
    lost.kill('SIGKILL');
    settle({ ok: false, error: why });
  }

  function next(): void {
    if (current !== null) return;
    const task = queue.shift();
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
    timer = setTimeout(() => lose(running, `It did not end within ${timeMs} ms.`), timeMs);
  }

  return {
    evaluate(expression, input) {
      return new Promise((resolve, reject) => {
        queue.push({ expression, input: JSON.stringify(input), resolve, reject });
        next();
      });
    },
    close() {
      for (const { reject } of queue.splice(0)) reject(new ExpressionError('The process stops.'));
      if (child !== null) lose(child, 'The process stops.');
    },
  };
}
