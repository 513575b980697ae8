/**
 * What can be known of the Dockerfile and of deploy/ without running them: that they are well formed, and
 * that what they name is there.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EVENT_TYPES } from '@posthorn/sdk';
import { validate } from 'dockerfile-utils';
import { parse, parseAllDocuments } from 'yaml';
import { SETTINGS, type SettingName, settingVariable } from '../packages/server/src/config.ts';
import { createMetrics } from '../packages/server/src/http/metrics.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const dockerfile = read('Dockerfile');
/** With continued lines as one, without comments. */
const instructions = dockerfile
  .replace(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '');
const composeText = read('deploy/compose/compose.yaml');
const kubernetesFiles = globSync('deploy/kubernetes/**/*.yaml', { cwd: root }).sort();
const allTexts = [dockerfile, composeText, ...kubernetesFiles.map(read)];

interface Copy {
  from: string | null;
  sources: string[];
}

function findCopies(): Copy[] {
  return instructions
    .filter((line) => line.startsWith('COPY '))
    .map((line) => {
      const words = line.split(/\s+/).slice(1);
      const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
      const paths = words.filter((word) => !word.startsWith('--'));
      return { from: from ?? null, sources: paths.slice(0, -1) };
    });
}

/** As Docker reads .dockerignore: the last line that matches a path or a folder above it decides. */
function isSentToBuilder(path: string): boolean {
  const patterns = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const parts = path.split('/');
  const places = parts.map((_, i) => parts.slice(0, i + 1).join('/'));
  let isSent = true;
  for (const pattern of patterns) {
    const isException = pattern.startsWith('!');
    const glob = isException ? pattern.slice(1) : pattern;
    if (places.some((place) => toRegExp(glob).test(place))) isSent = isException;
  }
  return isSent;
}

/** `*` stands for a name's part also where the name begins with a dot. */
function toRegExp(glob: string): RegExp {
  const source = glob
    .replaceAll('.', '\\.')
    .replaceAll(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${source}$`);
}

test('a linter has nothing to say of the Dockerfile', () => {
  assert.deepEqual(validate(dockerfile), []);
});

test('each stage that is named exists, and the image runs as a user by number', () => {
  const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name);
  assert.deepEqual(stages, ['manifests', 'dependencies', 'portal', 'runtime']);
  for (const { from } of findCopies()) if (from !== null) assert.ok(stages.includes(from), from);
  for (const [, base = ''] of dockerfile.matchAll(/^FROM (\S+) AS/gm)) {
    assert.ok(base.includes('NODE_IMAGE') || stages.includes(base), base);
  }
  const { build } = parse(composeText)['x-posthorn'];
  assert.ok(stages.includes(build.target));
  assert.ok(existsSync(join(root, 'deploy/compose', build.context, 'Dockerfile')));
  assert.match(dockerfile, /^USER [1-9]\d*:[1-9]\d*$/m);
});

test('what the Dockerfile copies is there, and is sent to the builder', () => {
  const own = findCopies().filter(({ from }) => from === null);
  for (const source of own.flatMap(({ sources }) => sources)) {
    assert.ok(existsSync(join(root, source)), `${source} does not exist`);
    assert.ok(isSentToBuilder(source), `${source} is kept out by .dockerignore`);
  }
});

test('npm gets the package.json of each workspace, as it asks for', () => {
  const copied = findCopies().flatMap(({ sources }) => sources);
  const { workspaces }: { workspaces: string[] } = JSON.parse(read('package.json'));
  for (const folder of globSync(workspaces, { cwd: root })) {
    const manifest = `${folder.replaceAll('\\', '/')}/package.json`;
    if (existsSync(join(root, manifest))) assert.ok(copied.includes(manifest), manifest);
  }
});

test('what the portal is built by is copied, and the server finds what was built', () => {
  const { extends: base }: { extends: string } = JSON.parse(read('packages/portal/tsconfig.json'));
  const copied = findCopies().flatMap(({ sources }) => sources);
  assert.ok(copied.includes(join('packages/portal', base)), base);
  // It looks for dist/ beside the package.json, in the last stage.
  assert.match(
    read('packages/server/src/assembly/build-http.ts'),
    /'@posthorn\/portal\/package\.json'/,
  );
  const runtime = dockerfile.slice(dockerfile.indexOf(' AS runtime\n'));
  assert.match(runtime, /^COPY packages\/portal\/package\.json \.\/packages\/portal\/$/m);
  assert.ok(copied.includes('/app/packages/portal/dist'));
});

test('what the server loads is sent to the builder, and tests and secrets are not', () => {
  const entry = 'packages/server/bin/posthorn.mjs';
  assert.match(dockerfile, new RegExp(`^ENTRYPOINT .*"${entry}"\\]$`, 'm'));
  for (const path of [entry, 'packages/server/src/store/migrations/sqlite/0001-start.sql']) {
    assert.ok(existsSync(join(root, path)) && isSentToBuilder(path), path);
  }
  const unwanted = [
    'packages/server/src/architecture.test.ts',
    'packages/server/src/lib/fixtures/test-clock.ts',
    'node_modules/zod/package.json',
    'packages/portal/dist/index.html',
    'posthorn-data/master.key',
    '.git/config',
    'deploy/compose/.env',
  ];
  for (const path of unwanted) assert.ok(!isSentToBuilder(path), path);
});

test('every variable of Posthorn that is set is a setting', () => {
  const known = new Set(
    (Object.keys(SETTINGS) as SettingName[]).map((name) => settingVariable(name)),
  );
  for (const text of allTexts) {
    for (const [name] of text.matchAll(/\bPOSTHORN_[A-Z_]+\b/g)) assert.ok(known.has(name), name);
  }
});

test('ports are those that the settings have by default', () => {
  const ports = [SETTINGS.port.default, SETTINGS.smtpPort.default];
  assert.match(dockerfile, new RegExp(`^EXPOSE ${ports.join(' ')}$`, 'm'));
  const { services } = parse(composeText);
  for (const name of ['posthorn', 'balancer']) {
    assert.deepEqual(
      services[name].ports,
      ports.map((port) => `127.0.0.1:${port}:${port}`),
    );
  }
  const proxy = read('deploy/compose/haproxy.cfg');
  for (const port of ports) {
    assert.ok(proxy.includes(`bind :${port}\n`) && proxy.includes(`node:${port} `), port);
  }
  for (const { ports: containerPorts } of workloads().map(containerOf)) {
    const numbers = containerPorts.map((port: { containerPort: number }) =>
      String(port.containerPort),
    );
    assert.deepEqual(numbers, ports);
  }
});

test('whoever waits for a process to stop waits longer than it may take', () => {
  const neededSeconds = SETTINGS.shutdownGrace.parse(SETTINGS.shutdownGrace.default) / 1_000 + 10;
  assert.ok(
    Number.parseInt(parse(composeText)['x-posthorn'].stop_grace_period, 10) > neededSeconds,
  );
  for (const workload of workloads()) {
    const { terminationGracePeriodSeconds } = workload.spec.template.spec;
    const [, pause] = containerOf(workload).lifecycle.preStop.exec.command;
    assert.ok(terminationGracePeriodSeconds > neededSeconds + Number(pause));
  }
});

test('probes ask what they should, and a Service cannot set a setting', () => {
  for (const workload of workloads()) {
    const { startupProbe, livenessProbe, readinessProbe, securityContext } = containerOf(workload);
    // A database that is away must not restart the nodes.
    assert.equal(startupProbe.httpGet.path, '/healthz');
    assert.equal(livenessProbe.httpGet.path, '/healthz');
    assert.equal(readinessProbe.httpGet.path, '/readyz');
    assert.equal(securityContext.readOnlyRootFilesystem, true);
    // Kubernetes would set POSTHORN_PORT=tcp://... for a Service of that name.
    assert.equal(workload.spec.template.spec.enableServiceLinks, false);
  }
});

test('selectors find the pods that they are meant for, and kustomizations name files that exist', () => {
  for (const kind of ['single', 'cluster']) {
    const all = manifests().filter(({ path }) => path.includes(`/${kind}/`));
    const labels = all.find(({ value }) => value.spec?.template)?.value.spec.template.metadata
      .labels;
    assert.equal(labels['app.kubernetes.io/instance'], kind);
    for (const { path, value } of all) {
      const selector = value.spec?.selector;
      if (selector) assert.deepEqual(selector.matchLabels ?? selector, labels, path);
    }
    const folder = join(root, 'deploy/kubernetes', kind);
    const text = readFileSync(join(folder, 'kustomization.yaml'), 'utf8');
    const named = [...text.matchAll(/^ {2}(?:# )?- (\S+\.yaml)$/gm)].map(([, name]) => name ?? '');
    assert.ok(named.length >= 3);
    for (const name of named) assert.ok(existsSync(join(folder, name)), name);
  }
});

test('metrics that are scaled by exist, and so does what is scaled', async () => {
  const rules = read('deploy/kubernetes/cluster/adapter-rules.yaml');
  const { text } = await emptyMetrics().render();
  const named = [...rules.matchAll(/\b((?:posthorn_webhook|process)_[a-z_]+)[{[]/g)];
  assert.ok(named.length >= 3);
  for (const [, name] of named) assert.ok(text.includes(`\n${name} `), name);
  const [autoscaler] = manifests().filter(({ value }) => value.kind === 'HorizontalPodAutoscaler');
  const { scaleTargetRef, metrics } = autoscaler?.value.spec ?? {};
  assert.ok(rules.includes(`as: ${metrics[0].external.metric.name} `));
  const target = workloads().find(({ kind }) => kind === scaleTargetRef.kind);
  assert.equal(target?.metadata.name, scaleTargetRef.name);
});

test('dashboard and alerts ask for metrics, labels and values that /metrics has', async () => {
  const metrics = emptyMetrics();
  for (const code of [null, 'timeout']) metrics.attempt(code, 1);
  metrics.eventsAppended(EVENT_TYPES);
  metrics.messageAccepted('http');
  metrics.mailReceived('taken');
  metrics.mailReturned('smtp', 'recorded');
  for (const outcome of ['refused', 'limited'] as const) metrics.smtpLogin(outcome);
  metrics.webhookReceived({ provider: 'ses', outcome: 'refused', reason: 'bad_signature' });
  const { text } = await metrics.render();
  const { groups } = parse(read('deploy/prometheus/alerts.yaml'));
  const { panels } = JSON.parse(read('deploy/grafana/posthorn.json'));
  const queries: string[] = [...groups, ...panels]
    .flatMap(({ rules, targets }) => rules ?? targets ?? [])
    .map(({ expr }) => expr);
  assert.ok(queries.length > 30, String(queries.length));
  const shown = text.split('\n');
  for (const query of queries) {
    const named = [...query.matchAll(/\b((?:posthorn|process|nodejs)_\w+)(\{[^}]*\})?/g)];
    assert.ok(named.length > 0, query);
    for (const [, name = '', selector = ''] of named) {
      const series = shown.filter(
        (line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `),
      );
      assert.ok(series.length > 0, `${name} in ${query}`);
      for (const [, label, values = ''] of selector.matchAll(/(\w+)=~?"([^"]*)"/g)) {
        // That one is Prometheus's own.
        if (label === 'instance') continue;
        for (const value of values.split('|')) {
          assert.ok(
            series.some((line) => line.includes(`${label}="${value}"`)),
            `${value} in ${query}`,
          );
        }
      }
    }
    for (const [, labels = ''] of query.matchAll(/\bby \(([^)]*)\)/g)) {
      for (const label of labels.split(', '))
        assert.match(text, new RegExp(`[{,]${label}="`), query);
    }
  }
});

test('panels of the dashboard lie side by side, and each has an id of its own', () => {
  const { panels } = JSON.parse(read('deploy/grafana/posthorn.json'));
  const ids = new Set(panels.map(({ id }: { id: number }) => id));
  assert.equal(ids.size, panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x},${y}`), title);
        taken.add(`${x},${y}`);
      }
    }
  }
});

type Manifest = ReturnType<typeof parse>;

function manifests(): { path: string; value: Manifest }[] {
  return kubernetesFiles.flatMap((path) =>
    parseAllDocuments(read(path)).map((document) => {
      assert.deepEqual(document.errors, [], path);
      return { path, value: document.toJS() };
    }),
  );
}

function workloads(): Manifest[] {
  const found = manifests().filter(({ value }) => value.spec?.template);
  assert.equal(found.length, 2);
  return found.map(({ value }) => value);
}

function containerOf(workload: Manifest): Manifest {
  return workload.spec.template.spec.containers[0];
}

function emptyMetrics() {
  return createMetrics({
    dispatcher: () => ({ inMemory: 0, inFlight: 0 }),
    deliverer: () => ({ jobs: 0, inFlight: 0, slowed: 0 }),
    storeOk: () => true,
    backlog: () => ({ endpoints: 0, lagSeconds: 0 }),
    stalledSources: () => 0,
    firingAlerts: () => [],
    waitingDeliveries: async () => 0,
    waitingMail: async () => 0,
  });
}
