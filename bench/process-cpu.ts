import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second of the times in /proc. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * Processor time, in microseconds, of these processes with their children, also those that have ended
 * since. Linux only.
 */
export function createCpuMeter(pids: readonly number[]): { usedUs(): number } {
  const before = ticksOf(pids);
  return { usedUs: () => ((ticksOf(pids) - before) * 1e6) / TICKS };
}

function ticksOf(pids: readonly number[]): number {
  const wanted = new Set(pids);
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = readStat(name);
    if (fields === null) continue;
    const [parent = 0, user = 0, system = 0, childUser = 0, childSystem = 0] = fields;
    // proc(5): a process counts its children when they have ended and it has noticed.
    if (wanted.has(Number(name))) ticks += user + system + childUser + childSystem;
    else if (wanted.has(parent)) ticks += user + system;
  }
  return ticks;
}

/** Parent, and the four times; null when it has ended meanwhile. */
function readStat(pid: string): number[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may have spaces. Behind it is field 3.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return [fields[1], fields[11], fields[12], fields[13], fields[14]].map(Number);
  } catch {
    return null;
  }
}
