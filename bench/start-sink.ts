import { type ChildProcess, fork } from 'node:child_process';

export interface Sink {
  port: number;
  /** When each event came, by its id, in ms on the monotonic clock that all processes share. */
  received(): Promise<Map<string, number>>;
  /** Of what `received` tells. */
  forget(): void;
  /** How many requests have come. */
  count(): Promise<number>;
  /** Requests to these paths, such as `/hook`, get no answer from now on, and all others do. */
  hang(paths: readonly string[]): void;
  stop(): void;
}

/** `silent`: takes requests and never answers. `record`: remembers them for `received`. */
export async function startSink(...args: ('silent' | 'record')[]): Promise<Sink> {
  const child: ChildProcess = fork(new URL('./sink.ts', import.meta.url), args);
  const ask = <T>(word?: string): Promise<T> =>
    new Promise((resolve) => {
      child.once('message', (answer) => resolve(answer as T));
      if (word !== undefined) child.send(word);
    });
  const { port } = await ask<{ port: number }>();
  return {
    port,
    received: async () =>
      new Map((await ask<{ received: [string, number][] }>('received')).received),
    forget: () => void child.send('forget'),
    count: async () => (await ask<{ count: number }>('count')).count,
    hang: (paths) => void child.send({ hang: paths }),
    stop: () => void child.disconnect(),
  };
}
