import { cpus, totalmem } from 'node:os';
import { killPosthornProcesses } from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';
import { benchDecode } from './decode.ts';
import { benchDispatch } from './dispatch.ts';
import { benchFairness } from './fairness.ts';
import { benchGrowth } from './growth.ts';
import { benchIngest } from './ingest.ts';
import { benchLatency } from './latency.ts';
import { benchMemory } from './memory.ts';
import { benchNodes } from './nodes.ts';
import { benchPeers } from './peers.ts';
import { benchPortal } from './portal.ts';
import { benchProjects } from './projects.ts';
import type { BenchResult } from './result.ts';
import { benchSinks } from './sinks.ts';
import { benchSmtp } from './smtp.ts';
import { benchStore } from './store.ts';
import { benchTls } from './tls.ts';

/** Every bench by name. A figure that the documentation quotes comes from one of these. */
const BENCHES: Record<string, () => Promise<BenchResult>> = {
  decode: benchDecode,
  dispatch: benchDispatch,
  fairness: benchFairness,
  growth: benchGrowth,
  ingest: benchIngest,
  latency: benchLatency,
  memory: benchMemory,
  nodes: benchNodes,
  peers: benchPeers,
  portal: benchPortal,
  projects: benchProjects,
  sinks: benchSinks,
  smtp: benchSmtp,
  store: benchStore,
  tls: benchTls,
};

/** Far more than any of them takes: one that waits for something lost ends all the same. */
const LONGEST_MS = 900_000;

const [name = ''] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  console.error(`Name a bench: npm run bench -- ${Object.keys(BENCHES).join(' | ')}`);
  process.exitCode = 2;
} else {
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(
    `machine: ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, ${memory} GB, Node ${process.version}`,
  );
  console.log(`command: npm run bench -- ${name}`);
  process.once('exit', killPosthornProcesses);
  setTimeout(() => {
    console.error('The bench did not end in a quarter of an hour.');
    process.exit(1);
  }, LONGEST_MS).unref();
  const result = await bench();
  console.log(JSON.stringify({ ...result, ratio: Number(result.ratio.toFixed(3)) }));
  process.exitCode = result.pass ? 0 : 1;
}
