import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import jsonata from 'jsonata';
import {
  type ExpressionAnswer,
  type ExpressionAnswers,
  type ExpressionGroup,
  GROUP_CHARS,
  GROUP_MS,
} from './protocol.ts';

/**
 * Evaluates JSONata that strangers have written, one group of inputs after the other and each expression in its
 * turn (one that does not end keeps others waiting for one of its inputs, never for all of them), in a process of its own with
 * a small heap and none of our environment: an expression that does not end, or wants too much memory,
 * ends with it and concerns nobody else. (A thread would not do: V8 ends the whole process when the heap
 * of one of its threads runs out within a single call.)
 */
export interface ExpressionEvaluator {
  /** What the expression makes of the input, both as JSON; undefined: nothing. Rejects with ExpressionError. */
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
/**
 * So many inputs go to the process at once: the way there and back costs more than most evaluations, and where
 * this thread is busy it takes as long as a hundred of them.
 */
const MAX_GROUP = 500;
const MAX_SUSPECTS = 1_000;
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

interface Waiting {
  /** JSON. */
  input: string;
  resolve(json: string | undefined): void;
  reject(error: ExpressionError): void;
}

/** Inputs of one expression that are with the process, or wait for it. */
interface Turn {
  expression: string;
  tasks: Waiting[];
}

export function createExpressionEvaluator(
  limits: { timeMs: number; group?: number } = { timeMs: LIMIT_MS },
): ExpressionEvaluator {
  const { timeMs, group = MAX_GROUP } = limits;
  /** By expression; the next turn is that of the first. */
  const queues = new Map<string, Waiting[]>();
  /** Those that broke a group: nobody knows on which input, so they get one at a time from then on. */
  const suspects = new Set<string>();
  let closed = false;
  let child: ChildProcess | null = null;
  let current: Turn | null = null;
  let timer: NodeJS.Timeout | null = null;

  function end(): Turn | null {
    const done = current;
    current = null;
    if (timer !== null) clearTimeout(timer);
    child?.unref();
    child?.channel?.unref();
    return done;
  }

  function settle(answers: ExpressionAnswers): void {
    const done = end();
    if (done === null) return;
    for (const [i, answer] of answers.entries()) answerTo(done.tasks[i], answer);
    putBack(done.expression, done.tasks.slice(answers.length));
    next();
  }

  function fail(why: ExpressionError): void {
    const done = end();
    if (done === null) return;
    if (done.tasks.length === 1 || closed) for (const { reject } of done.tasks) reject(why);
    else {
      suspect(done.expression);
      putBack(done.expression, done.tasks);
    }
    next();
  }

  function suspect(expression: string): void {
    suspects.add(expression);
    const [oldest] = suspects;
    if (suspects.size > MAX_SUSPECTS && oldest !== undefined) suspects.delete(oldest);
  }

  /** Before what came later, and behind the other expressions. */
  function putBack(expression: string, tasks: Waiting[]): void {
    if (tasks.length === 0) return;
    const waiting = queues.get(expression) ?? [];
    queues.delete(expression);
    queues.set(expression, [...tasks, ...waiting]);
  }

  function start(): ChildProcess {
    const started = fork(PROGRAM, [], {
      execArgv: [`--max-old-space-size=${HEAP_MB}`, '--disable-warning=ExperimentalWarning'],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // As they are: JSON in JSON would be escaped.
      serialization: 'advanced',
    });
    started.on('message', (answer: ExpressionAnswers | 'ready') => {
      if (answer !== 'ready') settle(answer);
      else if (started === child && current !== null) limit(started, timeMs);
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
    fail(why);
  }

  function next(): void {
    if (current !== null) return;
    const [turn] = queues;
    if (turn === undefined) return;
    const [expression, waiting] = turn;
    const size = suspects.has(expression) ? 1 : sizeOfGroup(waiting, group);
    current = { expression, tasks: waiting.slice(0, size) };
    queues.delete(expression);
    if (waiting.length > size) queues.set(expression, waiting.slice(size));
    const isNew = child === null;
    child ??= start();
    const running = child;
    // It holds the process only while somebody waits for it.
    running.ref();
    running.channel?.ref();
    const message: ExpressionGroup = {
      expression,
      inputs: current.tasks.map(({ input }) => input),
    };
    running.send(message, () => {});
    limit(running, isNew ? START_MS : timeMs);
  }

  /** Those of a group that are done before the last one have their share of the time as well. */
  function limit(running: ChildProcess, forMs: number): void {
    if (timer !== null) clearTimeout(timer);
    const isAlone = current?.tasks.length === 1;
    timer = setTimeout(
      () => lose(running, new ExpressionError('limit', `It did not end within ${forMs} ms.`)),
      isAlone ? forMs : forMs + GROUP_MS,
    );
  }

  function evaluateText(expression: string, json: string): Promise<string | undefined> {
    if (closed) return Promise.reject(STOPPED);
    return new Promise((resolve, reject) => {
      const waiting = { input: json, resolve, reject };
      const queue = queues.get(expression);
      if (queue === undefined) queues.set(expression, [waiting]);
      else queue.push(waiting);
      next();
    });
  }

  return {
    evaluateText,
    close() {
      closed = true;
      const waiting = [...queues.values()].flat();
      queues.clear();
      for (const { reject } of waiting) reject(STOPPED);
      if (child !== null) lose(child, STOPPED);
    },
  };
}

function sizeOfGroup(waiting: readonly Waiting[], most: number): number {
  let size = 0;
  let chars = 0;
  for (const { input } of waiting) {
    chars += input.length;
    if (size === most || (size > 0 && chars > GROUP_CHARS)) break;
    size += 1;
  }
  return size;
}

function answerTo(task: Waiting | undefined, answer: ExpressionAnswer): void {
  if (!answer.ok) task?.reject(new ExpressionError('expression', answer.error));
  else if (Buffer.byteLength(answer.json ?? '') > MAX_BYTES) {
    const why = `What it makes has more than ${MAX_BYTES} bytes.`;
    task?.reject(new ExpressionError('expression', why));
  } else task?.resolve(answer.json);
}

const STOPPED = new ExpressionError('ours', 'The process stops.');
const BROKEN_OFF = new ExpressionError('ours', 'Its evaluation broke off.');
const TOO_GREEDY = new ExpressionError(
  'limit',
  'It wants more memory than an expression may have.',
);
