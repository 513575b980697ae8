import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page, Route } from 'playwright-core';
import {
  type ReadyProcess,
  startPosthornProcess,
} from 'posthorn/src/cli/whole/fixtures/posthorn-process.ts';
import {
  startTestCluster,
  withoutPostgres,
} from 'posthorn/src/store/postgres/fixtures/test-cluster.ts';
import { type Filling, fillPostgres, fillSqlite } from './fill-events.ts';
import { type BenchResult, median, percentile } from './result.ts';

/**
 * What a person waits for: how much the first page loads, when the portal can be used and when the first row of
 * the events is there, with a million of them stored, on both stores and with nothing in the browser's cache;
 * and whether a list of 100,000 rows scrolls. `ratio` is the first load, compressed by gzip, against the target.
 *
 * `npm run bench -- portal 10000` stores fewer, for a look while others work.
 */
const TARGET_BYTES = 200_000;
const EVENTS = 1_000_000;
const LIST_ROWS = 100_000;
const VISITS = 5;
const FRAMES = 240;
/** More rows than this in the document, and the list is not virtual. */
const MOST_DRAWN = 120;
const API_KEY = 'phk_bench_and_nothing_else';
const OWNER = { email: 'owner@example.com', password: 'a password of the owner' };

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

/** When the page can be used: its frame is there and listens. When the first row is. */
interface Wait {
  interactiveMs: number;
  firstRowMs: number;
}

export async function benchPortal(): Promise<BenchResult> {
  const count = Number(process.argv[3] ?? EVENTS);
  if (CHROMIUM === undefined) throw new Error('There is no Chromium: apt-get install chromium');
  const browser = await launch(CHROMIUM);
  try {
    const figures: Record<string, number> = {};
    let firstLoadBytes = 0;
    let drawn = 0;
    await withSqlite(count, async (server) => {
      const context = await signIn(browser, server.httpUrl);
      firstLoadBytes = await measureFirstLoad(context, server.httpUrl);
      Object.assign(figures, await measureVisits(browser, context, server.httpUrl, 'sqlite'));
      const scroll = await measureScroll(context, server.httpUrl);
      drawn = scroll.drawn;
      Object.assign(figures, {
        scroll_rows_drawn: drawn,
        scroll_frame_p50_ms: Math.round(median(scroll.framesMs)),
        scroll_frame_p95_ms: Math.round(percentile(scroll.framesMs, 0.95)),
      });
      await context.close();
    });
    if (withoutPostgres === false) {
      await withPostgres(count, async (server) => {
        const context = await signIn(browser, server.httpUrl);
        Object.assign(figures, await measureVisits(browser, context, server.httpUrl, 'postgres'));
        await context.close();
      });
    } else console.log(`without PostgreSQL: ${withoutPostgres}`);
    const ratio = firstLoadBytes / TARGET_BYTES;
    return {
      bench: 'portal',
      ratio,
      target: 1,
      pass: ratio <= 1 && drawn <= MOST_DRAWN,
      events: count,
      first_load_gzip_bytes: firstLoadBytes,
      ...figures,
    };
  } finally {
    await browser.close();
  }
}

/** The browser that the portal's own journeys are made with. */
async function launch(executablePath: string): Promise<Browser> {
  const portal = createRequire(import.meta.resolve('@posthorn/portal/package.json'));
  const { chromium }: typeof import('playwright-core') = portal('playwright-core');
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

async function withSqlite(count: number, work: (server: ReadyProcess) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  try {
    const projectId = await firstStart({ data: folder });
    fillSqlite(folder, { projectId, count });
    await withServer({ data: folder }, work);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withPostgres(count: number, work: (server: ReadyProcess) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-bench-'));
  const cluster = await startTestCluster();
  try {
    const database = await cluster.createDatabase();
    const settings = {
      data: folder,
      'database-url': cluster.url(database),
      'master-key': Buffer.alloc(32, 7).toString('base64'),
    };
    const filling: Filling = { projectId: await firstStart(settings), count };
    await fillPostgres((sql) => cluster.execute(sql, database), filling);
    await withServer(settings, work);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the schema, the first project and the owner; answers with the project. */
async function firstStart(settings: Record<string, string>): Promise<string> {
  let projectId = '';
  await withServer(settings, async ({ httpUrl }) => {
    const answer = await fetch(`${httpUrl}/portal/api/owner`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...OWNER, setup_token: API_KEY }),
    });
    const session = (await answer.json()) as { projects: { id: string }[] };
    projectId = session.projects[0]?.id ?? '';
  });
  return projectId;
}

async function withServer(
  settings: Record<string, string>,
  work: (server: ReadyProcess) => Promise<void>,
): Promise<void> {
  const server = await startPosthornProcess({ ...settings, 'api-key': API_KEY });
  try {
    await work(server);
  } finally {
    server.child.kill('SIGTERM');
    await server.ended;
  }
}

const NEW_PAGE = { viewport: { width: 1_280, height: 800 } };

async function signIn(browser: Browser, url: string): Promise<BrowserContext> {
  const context = await browser.newContext(NEW_PAGE);
  const page = await context.newPage();
  await page.goto(`${url}/portal/`);
  await page.getByLabel('Email').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('main#content').waitFor();
  await page.close();
  return context;
}

/** What the browser asks of the portal's files for the overview, each as the server gives it to gzip. */
async function measureFirstLoad(context: BrowserContext, url: string): Promise<number> {
  const page = await context.newPage();
  const files = new Set<string>();
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/portal/') && !pathname.startsWith('/portal/api/')) {
      files.add(pathname);
    }
  });
  await page.goto(`${url}/portal/`, { waitUntil: 'networkidle' });
  await page.close();
  let sum = 0;
  for (const path of files) {
    const bytes = await sizeOf(`${url}${path}`);
    console.log(`first load: ${path} ${bytes} bytes`);
    sum += bytes;
  }
  return sum;
}

function sizeOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': 'gzip' } }, (answer) => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.once('end', () => resolve(bytes));
    }).once('error', reject);
  });
}

/** Notes when a thing first appears, by the clock that begins with the navigation. */
const WATCH = `
  window.seen = {};
  const wanted = { interactive: 'main#content', firstRow: '[data-row]' };
  new MutationObserver(() => {
    for (const [name, selector] of Object.entries(wanted)) {
      if (window.seen[name] === undefined && document.querySelector(selector) !== null) {
        window.seen[name] = performance.now();
      }
    }
  }).observe(document, { subtree: true, childList: true });
`;

async function measureVisits(
  browser: Browser,
  signedIn: BrowserContext,
  url: string,
  store: string,
): Promise<Record<string, number>> {
  const storageState = await signedIn.storageState();
  const waits: Wait[] = [];
  for (let i = 0; i < VISITS; i++) {
    // A context of its own has an empty cache.
    const context = await browser.newContext({ ...NEW_PAGE, storageState });
    const page = await context.newPage();
    await page.addInitScript(WATCH);
    await page.goto(`${url}/portal/events`);
    await page.locator('[data-row]').first().waitFor();
    const seen = await page.evaluate<{ interactive: number; firstRow: number }>('window.seen');
    waits.push({ interactiveMs: seen.interactive, firstRowMs: seen.firstRow });
    await context.close();
  }
  const interactive = Math.round(median(waits.map(({ interactiveMs }) => interactiveMs)));
  const firstRow = Math.round(median(waits.map(({ firstRowMs }) => firstRowMs)));
  console.log(`${store}: interactive after ${interactive} ms, first row after ${firstRow} ms`);
  return { [`${store}_interactive_ms`]: interactive, [`${store}_first_row_ms`]: firstRow };
}

/** A list of 100,000 rows, given out as one page: how many are drawn, and how long each frame takes. */
async function measureScroll(
  context: BrowserContext,
  url: string,
): Promise<{ drawn: number; framesMs: number[] }> {
  const page = await context.newPage();
  const at = new Date().toISOString();
  const data = Array.from({ length: LIST_ROWS }, (_, i) => ({
    id: `evt_${String(i).padStart(26, '0')}`,
    type: 'email.delivered',
    timestamp: at,
    data: { recipient: `user${i}@example.com` },
  }));
  await page.route(/\/v1\/events(\?|$)/, (route: Route) =>
    route.fulfill({ json: { data, next_cursor: null } }),
  );
  await page.goto(`${url}/portal/events`);
  await page.locator('[data-row]').first().waitFor();
  const framesMs = await scrollFrames(page);
  const drawn = await page.locator('[data-row]').count();
  await page.getByText(`user${LIST_ROWS - 1}@example.com`).waitFor();
  await page.close();
  console.log(`${LIST_ROWS} rows: ${drawn} drawn, a frame takes ${median(framesMs).toFixed(1)} ms`);
  return { drawn, framesMs };
}

/** Goes from the first row to the last in so many frames; answers with how long each took. */
async function scrollFrames(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`new Promise((resolve) => {
    const list = document.querySelector('[role=table]').parentElement;
    const step = (list.scrollHeight - list.clientHeight) / ${FRAMES};
    const frames = [];
    let before = performance.now();
    function next(now) {
      frames.push(now - before);
      before = now;
      list.scrollTop += step;
      if (frames.length <= ${FRAMES}) requestAnimationFrame(next);
      else { list.scrollTop = list.scrollHeight; resolve(frames.slice(1)); }
    }
    requestAnimationFrame(next);
  })`);
}
