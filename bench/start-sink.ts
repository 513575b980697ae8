import { type ChildProcess, fork } from 'node:child_process';

export interface Sink {
  port: number;
  count(): Promise<number>;
  stop(): void;
}

export async function startSink(): Promise<Sink> {
  const child: ChildProcess = fork(new URL('./sink.ts', import.meta.url));
  const ask = <T>(word?: string): Promise<T> =>
    new Promise((resolve) => {
      child.once('message', (answer) => resolve(answer as T));
      if (word !== undefined) child.send(word);
    });
  const { port } = await ask<{ port: number }>();
  return {
    port,
    count: async () => (await ask<{ requests: number }>('count')).requests,
    stop: () => void child.disconnect(),
  };
}
