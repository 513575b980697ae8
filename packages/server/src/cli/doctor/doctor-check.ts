import type { Config } from '../../config.ts';

/** What was found. `advice`: what to do about it; there is one for each warning and failure. */
export interface Finding {
  result: 'ok' | 'warn' | 'fail' | 'skip';
  reason: string;
  advice?: string;
}

/** One thing that has to be right on the machine of a server. */
export interface DoctorCheck {
  /** As in the report; stable. */
  name: string;
  title: string;
  /** Whether somebody outside of this machine is asked. */
  isOutside: boolean;
  run(patient: Patient): Promise<Finding[]>;
}

/** Whom the doctor looks at: the settings, and the machine. */
export interface Patient {
  config: Config;
  probes: Probes;
  /** A domain whose mail servers everybody can reach. */
  probeDomain: string;
}

/** How the machine and the world around are asked; a test gives its own. */
export interface Probes {
  nowMs(): number;
  /** Listens on a port for a moment. */
  bind(host: string, port: number): Promise<'free' | 'taken' | 'forbidden' | 'no_address'>;
  /** Whether a Posthorn answers there. */
  isPosthorn(host: string, port: number): Promise<boolean>;
  resolve4(name: string): Promise<string[]>;
  resolve6(name: string): Promise<string[]>;
  resolveMx(name: string): Promise<{ exchange: string; priority: number }[]>;
  reverse(address: string): Promise<string[]>;
  /** The first line that a mail server says. Rejects when there is none. */
  greet(where: { host: string; port: number; localAddress?: string }): Promise<string>;
  /** How far this machine's clock is ahead of a time server's, ms. */
  clockOffsetMs(): Promise<number>;
  disk(folder: string): { freeBytes: number; totalBytes: number };
  readFile(file: string): string;
  /** Permission bits of a file; null where there is none. */
  modeOf(file: string): number | null;
  /** What was found of the store; throws when it cannot be worked with. */
  store(config: Config): Promise<string>;
}

export const ok = (reason: string): Finding => ({ result: 'ok', reason });
export const skip = (reason: string): Finding => ({ result: 'skip', reason });
export const warn = (reason: string, advice: string): Finding => ({
  result: 'warn',
  reason,
  advice,
});
export const fail = (reason: string, advice: string): Finding => ({
  result: 'fail',
  reason,
  advice,
});
