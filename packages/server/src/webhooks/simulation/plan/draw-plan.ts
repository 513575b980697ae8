import type { EndpointSettings } from '../../../core/webhooks/endpoint-settings.ts';
import type { Random } from '../random.ts';
import { MOODS } from '../world/site-moods.ts';
import type { DiskPlan } from '../world/virtual-disk.ts';
import type { SitePlan } from '../world/virtual-network.ts';
import { type Action, drawActions } from './draw-actions.ts';
import { drawSettings, TYPES } from './draw-settings.ts';

/** Everything that a seed decides before the run begins. */
export interface Plan {
  /** Faults happen, and events come, for so long. Then all is well. */
  chaosMs: number;
  /** When the store may fail, ms since the world began. */
  faults: { fromMs: number; untilMs: number };
  disk: DiskPlan;
  concurrency: number;
  memoryLimit: number;
  defaults: { ladderMs: number[]; timeoutMs: number; concurrency: number; patienceMs: number };
  /** Those that are there at the start, and those that may come. */
  endpoints: EndpointPlan[];
  sites: SitePlan[];
  /** Sites that never get well. */
  hopeless: string[];
  restarts: Restart[];
  jumps: { atMs: number; byMs: number }[];
  actions: Action[];
}

export interface EndpointPlan {
  projectId: string;
  /** The site, and a path of its own. */
  url: string;
  eventTypes: string[];
  settings: EndpointSettings;
  isThereAtStart: boolean;
}

export interface Restart {
  when: { atMs: number } | { atStep: number };
  kind: 'crash' | 'stop';
  downMs: number;
  graceMs: number;
}

export const PROJECTS = ['prj_a', 'prj_b', 'prj_c'] as const;

/** For the first endpoints to be made before anything goes wrong, ms. */
export const SETUP_MS = 10_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** `scale`: how much happens; 1 for the usual run. */
export function drawPlan(random: Random, scale = 1): Plan {
  const chaosMs = random.pick([20_000, 2 * MINUTE_MS, 20 * MINUTE_MS, 3 * HOUR_MS]);
  const projects = PROJECTS.slice(0, random.int(1, PROJECTS.length));
  const endpointCount = random.int(1, 6);
  const siteCount = endpointCount + 2;
  const sites = Array.from({ length: siteCount }, (_, i) =>
    drawSite(random.fork(`site ${i}`), `s${i}.example.com`, chaosMs),
  );
  const endpoints = Array.from({ length: endpointCount }, (_, i) =>
    drawEndpoint(random.fork(`endpoint ${i}`), i, projects, siteCount),
  );
  const actions = drawActions(random.fork('actions'), {
    chaosMs,
    projects,
    endpointCount,
    siteCount,
    scale,
  });
  const hopeless = sites.map(({ hostname }) => hostname).filter(() => random.chance(0.06));
  return {
    chaosMs,
    faults: { fromMs: SETUP_MS, untilMs: SETUP_MS + chaosMs },
    disk: drawDisk(random),
    concurrency: random.pick([3, 6, 20, 100]),
    memoryLimit: random.pick([3, 8, 20, 60, 1_000]),
    defaults: {
      ladderMs: random.pick([
        [5_000, 300_000, 1_800_000, 7_200_000],
        [1_000, 2_000, 5_000],
        [30_000, 30_000],
      ]),
      timeoutMs: random.pick([1_000, 5_000, 15_000, 30_000]),
      concurrency: random.pick([1, 4, 32]),
      patienceMs: random.pick([10 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS]),
    },
    endpoints,
    sites: sites.map((site) => endSite(site, hopeless.includes(site.hostname))),
    hopeless,
    restarts: drawRestarts(random.fork('restarts'), actions, chaosMs),
    jumps: drawJumps(random.fork('jumps'), chaosMs),
    actions,
  };
}

function drawDisk(random: Random): DiskPlan {
  return {
    mode: random.pick(['batched', 'scattered']),
    slowestMs: random.pick([10, 200, 3_000]),
    outageChance: random.pick([0, 0, 0.003, 0.02]),
    longestOutageMs: random.pick([2_000, 60_000]),
    oddChance: random.pick([0, 0, 0, 0.01]),
  };
}

function drawSite(random: Random, hostname: string, chaosMs: number): SitePlan {
  // A site that is gone disables its endpoint, and that is the end of it.
  const moods = MOODS.filter((mood) => mood !== 'gone' || random.chance(0.15));
  const drawn = Array.from({ length: random.int(0, 5) }, () => ({
    forMs: random.int(1, Math.ceil(chaosMs / 2)),
    mood: random.chance(0.35) ? 'fine' : random.pick(moods),
  }));
  return { hostname, moods: drawn };
}

/** After its troubles it is fine; or it fails for ever. */
function endSite({ hostname, moods }: SitePlan, isHopeless: boolean): SitePlan {
  return { hostname, moods: [...moods, { forMs: 0, mood: isHopeless ? 'failing' : 'fine' }] };
}

function drawEndpoint(
  random: Random,
  index: number,
  projects: readonly string[],
  siteCount: number,
): EndpointPlan {
  return {
    projectId: random.pick(projects),
    url: `https://s${random.int(0, siteCount - 1)}.example.com/ep${index}`,
    eventTypes: random.weighted([
      [5, ['*']],
      [3, ['email.*']],
      [2, [random.pick(TYPES), random.pick(TYPES)]],
      [1, ['email.delivered', 'endpoint.*', 'delivery.*']],
    ]),
    settings: drawSettings(random),
    isThereAtStart: index === 0 || random.chance(0.8),
  };
}

function drawRestarts(random: Random, actions: readonly Action[], chaosMs: number): Restart[] {
  const count = random.weighted([
    [3, 0],
    [3, 1],
    [2, 2],
    [1, 5],
  ]);
  // In the middle of what comes in there is the most to lose; and most steps are where much happens.
  const drawTime = (): Restart['when'] =>
    random.weighted<() => Restart['when']>([
      [3, () => ({ atMs: random.pick(actions).atMs + random.int(0, random.pick([3, 20, 300])) })],
      [3, () => ({ atStep: random.int(30, random.pick([100, 300, 1_000])) })],
      [2, () => ({ atMs: random.int(0, chaosMs) })],
    ])();
  return Array.from({ length: count }, () => ({
    when: drawTime(),
    kind: random.chance(0.65) ? ('crash' as const) : ('stop' as const),
    downMs: random.pick([0, 500, 30_000]),
    graceMs: random.pick([0, 0, 1_000, 20_000]),
  }));
}

function drawJumps(random: Random, chaosMs: number): Plan['jumps'] {
  const count = random.weighted([
    [6, 0],
    [1, 1],
    [1, 3],
  ]);
  return Array.from({ length: count }, () => ({
    atMs: random.int(0, chaosMs),
    byMs: random.pick([HOUR_MS, 5 * HOUR_MS, 1_000, -1_000, -30_000, -10 * MINUTE_MS]),
  }));
}
