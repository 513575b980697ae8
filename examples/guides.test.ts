/** Does what docs/tutorial.md and docs/guides/ say, block for block, against one real server. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeSecret, signStandardWebhook } from '@posthorn/sdk';
import { readBlocks } from './fixtures/read-page.ts';
import { createPageRun, freePort, type PageRun } from './fixtures/run-page.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['docs/tutorial.md', ...globSync('docs/guides/*.md', { cwd: root }).sort()];

/** What has to be there to run a block in this language. */
const TOOLS: Readonly<Record<string, string>> = {
  python: 'python3',
  php: 'php',
  go: 'go',
  ruby: 'ruby',
};

const has = (tool: string): boolean =>
  spawnSync(tool, [tool === 'go' ? 'version' : '--version']).status === 0;

function missingTool(page: string): string | false {
  const tools = readBlocks(page).map(({ language }) => TOOLS[language] ?? 'bash');
  const missing = tools.find((tool) => !has(tool));
  return missing === undefined ? false : `allowed: ${missing} is not installed`;
}

/** What stands around a handler in real life: Next.js and a Rack server, as far as the pages need it. */
const HOSTS: Readonly<Record<string, (port: number) => string>> = {
  'receive-nextjs.md': (port) => `cat > host.mjs <<'END'
import { createServer } from 'node:http';
const { POST } = await import('./app/webhooks/email/route.js');
createServer(async (request, response) => {
  const body = Buffer.concat(await Array.fromAsync(request));
  const { method, headers, url } = request;
  const whole = new Request('http://127.0.0.1' + url, { method, headers, ...(body.length > 0 && { body }) });
  const answer = await POST(whole);
  response.writeHead(answer.status).end(await answer.text());
}).listen(${port}, '127.0.0.1');
END
WEBHOOK_SECRET=whsec_... node host.mjs`,
  'receive-ruby.md': (port) => `cat > host.rb <<'END'
require 'socket'
require 'stringio'
def run(app) = $app = app
load 'config.ru'
server = TCPServer.new('127.0.0.1', ${port})
loop do
  client = server.accept
  next client.close if client.gets.nil?
  headers = {}
  while (line = client.gets) && line != "\\r\\n"
    name, value = line.chomp.split(': ', 2)
    headers["HTTP_#{name.upcase.tr('-', '_')}"] = value
  end
  body = client.read(headers['HTTP_CONTENT_LENGTH'].to_i)
  status, = $app.call(headers.merge('rack.input' => StringIO.new(body)))
  client.write("HTTP/1.1 #{status} X\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
  client.close
end
END
WEBHOOK_SECRET=whsec_... ruby host.rb`,
};

const server = { port: 0, key: '', stop: async (): Promise<void> => {} };

before(async () => {
  const data = mkdtempSync(join(tmpdir(), 'posthorn-guides-'));
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      'packages/server/bin/posthorn.mjs',
      ...['serve', '--data', data, '--port', String(port), '--smtp-port', '0'],
      ...['--public-url', `http://127.0.0.1:${port}`, '--dns-servers', '127.0.0.1:9'],
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let shown = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        shown += chunk;
        if (shown.includes('Posthorn is ready')) resolve();
      });
    }
    child.once('exit', () => reject(new Error(shown)));
  });
  server.port = port;
  server.key = /phk_[\w-]+/.exec(shown)?.[0] ?? '';
  server.stop = async () => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(data, { recursive: true, force: true });
  };
});
after(() => server.stop());

async function ask(path: string, body: object): Promise<Record<string, string>> {
  const headers = {
    authorization: `Bearer ${server.key}`,
    'content-type': 'application/json',
  };
  const url = `http://127.0.0.1:${server.port}${path}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 201, path);
  return (await answer.json()) as Record<string, string>;
}

/** Each page has a project of its own, and a key of the sandbox, so that no mail leaves. */
async function makeKey(name: string): Promise<string> {
  const { id } = await ask('/v1/projects', { name });
  const scopes = ['send', 'events', 'read', 'manage'];
  const { key } = await ask(`/v1/projects/${id}/keys`, { name, scopes, mode: 'sandbox' });
  return key ?? '';
}

async function runPage(path: string, run: PageRun, key: string, port: number): Promise<void> {
  const host = HOSTS[basename(path)];
  for (const block of readBlocks(read(path))) {
    if (block.note === 'start') {
      // What starts the server is what the README says, and `npm run new-user` does that.
      for (const line of block.text.trim().split('\n')) assert.ok(read('README.md').includes(line));
      continue;
    }
    // Whoever runs the page brings a server of his own: it has to stand before the sample is sent.
    if (host !== undefined && /\/test /.test(block.text)) await run.listen(host(port));
    const text = block.text.replace('export POSTHORN_API_KEY=phk_...', `echo ${key}`);
    await run.run({ ...block, text });
  }
}

/** What every receiver has to do, also where the page shows it with one sample only. */
async function checkReceiver(run: PageRun, port: number): Promise<void> {
  const secret = run.shown().match(/whsec_[\w+/=]+/)?.[0] ?? '';
  const body = JSON.stringify({ type: 'email.opened', data: { recipient: 'zoë@example.com' } });
  const post = async (timestamp: number, changes: { body?: string; signature?: string } = {}) => {
    const id = 'evt_1';
    const signature = signStandardWebhook({ key: decodeSecret(secret), id, timestamp, body });
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': changes.signature ?? signature,
    };
    const url = `http://127.0.0.1:${port}/webhooks/email`;
    return (await fetch(url, { method: 'POST', headers, body: changes.body ?? body })).status;
  };
  const now = Math.floor(Date.now() / 1_000);
  const others = `v1,${randomBytes(32).toString('base64')}`;
  assert.equal(await post(now, { body: body.replace('opened', 'bounced') }), 401);
  assert.equal(await post(now, { signature: others }), 401);
  assert.equal(await post(now, { signature: 'v1,' }), 401);
  assert.equal(await post(now - 3_600), 401);
  assert.equal(await post(now), 204);
  assert.equal(await post(now), 204);
  await run.wrote(/email\.opened zoë@example\.com/);
  assert.equal(run.shown().split('email.opened').length, 2, 'handled once');
}

describe('the pages', { concurrency: 4 }, () => {
  for (const path of pages) {
    test(`${path} does what it says`, { skip: missingTool(read(path)) }, async (t) => {
      // Beside the packages, so that they resolve by their names as they do in the checkout.
      const folder = mkdtempSync(join(root, 'node_modules', '.guide-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
      const receiverPort = await freePort();
      const key = await makeKey(path);
      const env = { ...process.env, POSTHORN_API_KEY: key };
      const run = createPageRun({ folder, env, apiPort: server.port, receiverPort });
      t.after(() => run.stop());
      await runPage(path, run, key, receiverPort);
      if (basename(path).startsWith('receive-')) await checkReceiver(run, receiverPort);
    });
  }
});
