import type { EventType } from '@posthorn/sdk';
import type { Random } from '../random.ts';
import { drawSettings, TYPES } from './draw-settings.ts';

/** What people and sources do, and when. */
export type Action = { atMs: number } & (
  | { kind: 'append'; projectId: string; events: PlannedEvent[]; isOneCommit: boolean }
  | { kind: 'test'; endpoint: number }
  | { kind: 'create' | 'disable' | 'enable' | 'delete'; endpoint: number }
  | { kind: 'move'; endpoint: number; site: number }
  | { kind: 'change'; endpoint: number; settings: ReturnType<typeof drawSettings> }
  /** `lot` in [0, 1) chooses among the deliveries that there are by then. */
  | { kind: 'requeue'; lot: number }
);

export interface PlannedEvent {
  type: EventType;
  message: number;
  recipient: number;
  link: number;
  /** The same key twice is the same event. */
  dedupKey: string | null;
}

export interface ActionLimits {
  chaosMs: number;
  projects: readonly string[];
  endpointCount: number;
  siteCount: number;
  scale: number;
}

export function drawActions(random: Random, limits: ActionLimits): Action[] {
  const { chaosMs, scale } = limits;
  const bursts = Math.ceil(random.int(3, 14) * scale);
  const changes = random.weighted([
    [2, 0],
    [4, random.int(1, 4)],
    [2, random.int(5, 14)],
  ]);
  const appends = Array.from({ length: bursts }, () => ({
    atMs: random.int(0, chaosMs),
    ...drawAppend(random, limits.projects),
  }));
  const others = Array.from({ length: changes }, () => ({
    // Some right among the events, where they meet the most.
    atMs: random.chance(0.6)
      ? random.pick(appends).atMs + random.int(0, random.pick([5, 100, 5_000]))
      : random.int(0, chaosMs),
    ...drawChange(random, limits),
  }));
  return [...appends, ...others].sort((a, b) => a.atMs - b.atMs);
}

function drawAppend(random: Random, projects: readonly string[]) {
  const count = random.weighted([
    [4, 1],
    [3, random.int(2, 6)],
    [1, random.int(7, 25)],
  ]);
  const types = random.chance(0.3) ? [random.pick(TYPES)] : TYPES;
  const events = Array.from({ length: count }, () => ({
    type: random.pick(types),
    message: random.int(1, 4),
    recipient: random.int(1, 2),
    link: random.int(1, 2),
    dedupKey: random.chance(0.2) ? `key ${random.int(1, 12)}` : null,
  }));
  const projectId = random.pick(projects);
  return { kind: 'append' as const, projectId, events, isOneCommit: random.chance(0.5) };
}

type Change =
  Exclude<Action, { kind: 'append' }> extends infer One
    ? One extends unknown
      ? Omit<One, 'atMs'>
      : never
    : never;

function drawChange(random: Random, { endpointCount, siteCount }: ActionLimits): Change {
  const endpoint = random.int(0, endpointCount - 1);
  return random.weighted<Change>([
    [4, { kind: 'create', endpoint }],
    [3, { kind: 'disable', endpoint }],
    [4, { kind: 'enable', endpoint }],
    [3, { kind: 'delete', endpoint }],
    [3, { kind: 'move', endpoint, site: random.int(0, siteCount - 1) }],
    [3, { kind: 'change', endpoint, settings: drawSettings(random.fork('change')) }],
    [4, { kind: 'requeue', lot: random.next() }],
    [1, { kind: 'test', endpoint }],
  ]);
}
