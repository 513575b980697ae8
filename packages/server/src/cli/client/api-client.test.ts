import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ApiError, createApiClient } from './api-client.ts';
import { runClientCommand } from './run-client-command.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('sends the key and JSON, and gives back what is answered', async (t) => {
  const url = await serve(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { authorization, 'content-type': type = null } = request.headers;
    response.end(
      JSON.stringify({ line: `${request.method} ${request.url}`, authorization, type, body }),
    );
  });
  const client = createApiClient({ url, key: 'phk_1' });
  assert.deepEqual(await client.get('/v1/a?b=c'), {
    line: 'GET /v1/a?b=c',
    authorization: 'Bearer phk_1',
    type: null,
    body: '',
  });
  assert.deepEqual(await client.post('/v1/a', { b: 1 }), {
    line: 'POST /v1/a',
    authorization: 'Bearer phk_1',
    type: 'application/json',
    body: '{"b":1}',
  });
});

test('says what a problem says, and names each field when there are several', async (t) => {
  const problems: Record<string, unknown> = {
    '/one': { code: 'wrong_key', detail: 'No project has this API key.' },
    '/many': {
      code: 'invalid_field',
      detail: '/a: wrong (and 1 more, see "errors")',
      errors: [
        { pointer: '/a', detail: 'wrong' },
        { pointer: '/b', detail: 'missing' },
      ],
    },
  };
  const url = await serve(t, (request, response) => {
    const problem = problems[request.url ?? ''];
    response.writeHead(422).end(problem === undefined ? '<p>proxy</p>' : JSON.stringify(problem));
  });
  const client = createApiClient({ url, key: 'phk_1' });
  const failure = (path: string) =>
    client.get(path).then(
      () => assert.fail('it was answered'),
      (error: unknown) => {
        assert.ok(error instanceof ApiError);
        return [error.status, error.code, error.message];
      },
    );
  assert.deepEqual(await failure('/one'), [
    422,
    'wrong_key',
    'No project has this API key. (422 wrong_key)',
  ]);
  const [, , many] = await failure('/many');
  assert.match(String(many), /\n {2}\/a: wrong\n {2}\/b: missing$/);
  const [, code, other] = await failure('/other');
  assert.deepEqual([code, other], [null, 'GET /other was answered with 422: <p>proxy</p>']);
});

test('follows no redirect, takes no answer that is not JSON, and says where nobody answers', async (t) => {
  const asked: string[] = [];
  const url = await serve(t, (request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/moved') response.writeHead(302, { location: '/page' });
    response.end('<html></html>');
  });
  const client = createApiClient({ url, key: 'phk_1' });
  await assert.rejects(client.get('/moved'), /cannot be reached: .*redirect/);
  assert.deepEqual(asked, ['/moved']);
  await assert.rejects(client.get('/page'), /something else than JSON/);
  const nobody = createApiClient({ url: 'http://127.0.0.1:1', key: 'phk_1' });
  await assert.rejects(
    nobody.get('/'),
    /^ApiError: http:\/\/127\.0\.0\.1:1 cannot be reached: .*--url or --profile/,
  );
});

test('opens an answer that goes on until its signal', async (t) => {
  const url = await serve(t, (_, response) => void response.writeHead(200).write('first\n'));
  const controller = new AbortController();
  const { signal } = controller;
  const response = await createApiClient({ url, key: 'phk_1' }).open('/', { signal });
  const texts: string[] = [];
  await assert.rejects(
    async () => {
      for await (const bytes of response.body ?? []) {
        texts.push(Buffer.from(bytes).toString());
        controller.abort();
      }
    },
    { name: 'AbortError' },
  );
  assert.deepEqual(texts, ['first\n']);
});

test('the exit code says whether it was misuse, a refusal or silence', async (t) => {
  const url = await serve(t, (_, response) => void response.writeHead(403).end('{"detail":"No."}'));
  const run = async (flags: { url?: string; key?: string; json?: boolean }) => {
    const said: string[] = [];
    const env = { XDG_CONFIG_HOME: '/nowhere' };
    const world = { env, writeError: (line: string) => void said.push(line) };
    const code = await runClientCommand(flags, (client) => client.get('/v1/nodes'), world);
    return [code, said.join('')];
  };
  assert.deepEqual(await run({ url, key: 'k' }), [1, 'posthorn: No. (403)\n']);
  const [code, said] = await run({ url });
  assert.equal(code, 2);
  assert.match(String(said), /^posthorn: This command needs an API key.*posthorn login/);
  const [silence, where] = await run({ url: 'http://127.0.0.1:9', key: 'phk_1', json: true });
  assert.equal(silence, 3);
  const { code: name, message } = JSON.parse(String(where));
  assert.equal(name, 'unreachable');
  assert.match(message, /^http:\/\/127\.0\.0\.1:9, which is from --url, cannot be reached/);
});

test('https to a server without TLS is said in words, and not in places of the source of OpenSSL', async (t) => {
  const url = await serve(t, (_, response) => void response.end());
  const client = createApiClient({ url: url.replace('http:', 'https:'), key: 'phk_1' });
  await assert.rejects(client.get('/'), /reached: wrong version number\. It speaks no TLS there/);
});
