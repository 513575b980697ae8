import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIds, type Ids } from 'posthorn/src/core/ids.ts';
import { systemClock } from 'posthorn/src/lib/clock.ts';
import { createEventLog, type EventLog } from 'posthorn/src/store/log/event-log.ts';
import { openSqliteEngine } from 'posthorn/src/store/sqlite/engine.ts';
import { sampleEvent } from './engine.ts';
import { type BenchResult, median } from './result.ts';
import { createAttempt } from './sample-attempt.ts';

/**
 * Processor time of an event in the embedded store (append with a delivery, commit with fsync, record the
 * attempt) when 1,000 projects take turns, against one project. Keys lead with the project, so each event
 * in turn changes other pages: the worst that many projects can do. One file for each, both open at
 * once, in turns; the first rounds are left out, since projects share pages while a file is small.
 */
const TARGET = 3;
const PROJECTS = [1, 1_000];
const ROUND_EVENTS = 15_000;
const WARM_UP = 3;
const ROUNDS = 5;
/** Events on their way at once, as in `dispatch`. */
const OUTSTANDING = 1_920;
const RETENTION_MS = 30 * 86_400_000;
const NODE = 'node_bench';

interface Subject {
  projects: number;
  /** Runs a round, and resolves with processor microseconds an event and events a second. */
  run(): Promise<{ cpuUs: number; perSecond: number }>;
  close(): Promise<void>;
}

export async function benchProjects(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const subjects: Subject[] = [];
  try {
    for (const projects of PROJECTS)
      subjects.push(await open(join(folder, `${projects}`), projects));
    const costs = subjects.map((): number[] => []);
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      for (const [i, subject] of subjects.entries()) {
        const { cpuUs, perSecond } = await subject.run();
        if (round >= WARM_UP) costs[i]?.push(cpuUs);
        console.log(
          `round ${round + 1}, ${subject.projects} projects: ${cpuUs.toFixed(1)} us an event, ${perSecond.toFixed(0)}/s`,
        );
      }
    }
    const [one = 0, many = 0] = costs.map(median);
    const ratio = many / one;
    return {
      bench: 'projects',
      ratio,
      target: TARGET,
      pass: ratio <= TARGET,
      one_project_us: Number(one.toFixed(1)),
      many_projects_us: Number(many.toFixed(1)),
    };
  } finally {
    for (const subject of subjects) await subject.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function open(folder: string, projects: number): Promise<Subject> {
  const ids = createIds({ now: systemClock.now, randomBytes });
  const engine = await openSqliteEngine({ folder, clock: systemClock });
  const endpoints = Array.from({ length: projects }, () => ({
    projectId: ids.next('project'),
    endpointId: ids.next('endpoint'),
  }));
  const endpointOf = new Map(endpoints.map((one) => [one.projectId, one.endpointId]));
  let recorded = (): void => {};
  const log = createEventLog({
    engine,
    now: Date.now,
    retentionMs: () => RETENTION_MS,
    subscribers: {
      owedFor: (projectId, _event, dueAtMs) => {
        const endpointId = endpointOf.get(projectId) ?? '';
        const owed = { endpointId, urgency: 1, dueAtMs, orderKey: null } as const;
        return [{ ...owed, state: 'pending', node: NODE }];
      },
      committed({ projectId, endpointId, eventId }) {
        const attempt = createAttempt({ projectId, endpointId, eventId, node: NODE }, ids);
        void engine.recordAttempt(attempt).then(() => recorded());
      },
      dropped() {},
      stored() {},
    },
  });
  let turn = 0;
  const append = (): Promise<unknown> => {
    turn += 1;
    const projectId = endpoints[turn % projects]?.projectId ?? '';
    return appendOne(log, projectId, ids);
  };
  return {
    projects,
    async run() {
      const startedAt = performance.now();
      const before = process.cpuUsage();
      await runRound(append, (listener) => {
        recorded = listener;
      });
      const { user, system } = process.cpuUsage(before);
      const seconds = (performance.now() - startedAt) / 1_000;
      return { cpuUs: (user + system) / ROUND_EVENTS, perSecond: ROUND_EVENTS / seconds };
    },
    close: () => engine.close(),
  };
}

function appendOne(log: EventLog, projectId: string, ids: Ids): Promise<unknown> {
  return log.append([{ projectId, event: sampleEvent(ids), dedupKey: null }]);
}

/** Keeps as many on their way as may be, until all of a round are recorded. */
function runRound(
  append: () => Promise<unknown>,
  onRecorded: (listener: () => void) => void,
): Promise<void> {
  let appended = 0;
  let done = 0;
  return new Promise((resolve, reject) => {
    const fill = (): void => {
      while (appended < ROUND_EVENTS && appended - done < OUTSTANDING) {
        appended += 1;
        append().catch(reject);
      }
    };
    onRecorded(() => {
      done += 1;
      if (done === ROUND_EVENTS) resolve();
      else fill();
    });
    fill();
  });
}
