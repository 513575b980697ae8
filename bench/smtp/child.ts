import { type ChildProcess, fork } from 'node:child_process';

/** A process of a bench that answers words with values. */
export interface BenchChild {
  port: number;
  ask<T>(word: unknown): Promise<T>;
  stop(): void;
}

/** Starts a script that sends `{port}` when it is ready, and one message for each that it gets. */
export async function startChild(
  script: string,
  args: readonly string[] = [],
): Promise<BenchChild> {
  const child: ChildProcess = fork(new URL(script, import.meta.url), args);
  const next = <T>(): Promise<T> =>
    new Promise((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`${script} ended with ${code}`));
      child.once('exit', onExit);
      child.once('message', (answer) => {
        child.off('exit', onExit);
        resolve(answer as T);
      });
    });
  const { port } = await next<{ port: number }>();
  return {
    port,
    ask<T>(word: unknown): Promise<T> {
      const answer = next<T>();
      child.send(word as object);
      return answer;
    },
    stop: () => void child.disconnect(),
  };
}
