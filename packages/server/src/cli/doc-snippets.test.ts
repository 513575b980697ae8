/** What the pages say one may type, without a server: commands, requests and JSON have to be what the product takes. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Command, CommanderError } from 'commander';
import jsonata from 'jsonata';
import { parse as parseYaml } from 'yaml';
import { SETTINGS, type SettingName, settingKey } from '../config.ts';
import { startTestApi } from '../http/fixtures/test-api.ts';
import type { Route } from '../http/route.ts';
import { readCode, readShellLines, splitWords } from './fixtures/read-snippets.ts';
import { createProgram } from './main.ts';
import { createSystemWorld } from './program/world.ts';

const ROOT = join(import.meta.dirname, '../../../..');
const PAGES = globSync('{*,docs/*,docs/guides/*,packages/*/*}.md', { cwd: ROOT })
  .filter((file) => !/CHANGELOG|node_modules/.test(file))
  .sort();

const api = await startTestApi();
after(() => api.close());

interface Found {
  where: string;
  words: string[];
}

/** Every command of every page; `$ ` and what sets variables in front of it are left out. */
const commands: Found[] = PAGES.flatMap((file) =>
  readCode(readFileSync(join(ROOT, file), 'utf8'))
    .filter(({ language }) => language === null || language === 'sh')
    .flatMap(readShellLines)
    .flatMap(({ text, line }) =>
      (splitWords(text) ?? []).map((words) => ({
        where: `${file}:${line}`,
        words: withoutSurroundings(words),
      })),
    ),
);

function withoutSurroundings(words: readonly string[]): string[] {
  const from = words.findIndex((word) => !/^(\$|npx|sudo|[A-Z][A-Z0-9_]*=.*)$/s.test(word));
  return from === -1 ? [] : words.slice(from);
}

const named = (program: string): Found[] => commands.filter(({ words }) => words[0] === program);

const said: string[] = [];
const world = {
  ...createSystemWorld(),
  out: () => {},
  writeError: (text: string) => void said.push(text),
};
const newProgram = (): Command => createProgram(world, () => {});

/** Takes the line as the program does, up to where it would begin; rejects with what it says to a wrong one. */
async function parse(words: readonly string[]): Promise<void> {
  const program = newProgram();
  const { command } = findCommand(program, words);
  command.action(() => {});
  said.length = 0;
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new Error(said.join('') || error.message);
  }
}

/** How far the words are commands, and the rest of them. */
function findCommand(
  above: Command,
  words: readonly string[],
): { command: Command; rest: string[] } {
  const found = above.commands.find((one) => one.name() === words[0]);
  return found === undefined
    ? { command: above, rest: [...words] }
    : findCommand(found, words.slice(1));
}

test('each command line is one that the program takes', async () => {
  await assert.rejects(parse(['send', '--form', 'a@b.example']), /Did you mean --from/);
  const lines = named('posthorn');
  assert.ok(lines.length > 50, String(lines.length));
  const wrong: string[] = [];
  for (const { where, words } of lines) {
    // What the reader puts in, such as COMMAND, and what is left out.
    const given = words.slice(1).filter((word) => word !== '...');
    if (given[0] === 'COMMAND') continue;
    await parse(given).catch((error: Error) =>
      wrong.push(`${where} ${words.join(' ')}: ${error.message}`),
    );
  }
  assert.deepEqual(wrong, []);
});

test('commands and options that are named are there', () => {
  const program = newProgram();
  const wrong: string[] = [];
  for (const file of PAGES) {
    const page = readFileSync(join(ROOT, file), 'utf8');
    for (const [whole, text = ''] of page.matchAll(/`(?:npx )?posthorn ([a-z-][^`]*)`/g)) {
      const { command, rest } = findCommand(program, splitWords(text)?.[0] ?? []);
      const isThere = command !== program || rest[0] === '...';
      const flags = rest.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split('=')[0]);
      const known = [...command.options.map(({ long }) => long), '--help', '--version'];
      if (!isThere || flags.some((flag) => !known.includes(flag))) wrong.push(`${file} ${whole}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('each script that is run is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const wrong = named('npm')
    .filter(({ words }) => words[1] === 'run' && !words.includes('-w'))
    .filter(({ words: [, , name = '', , of] }) => {
      if (scripts[name] === undefined) return true;
      return name === 'bench' && of !== undefined && !existsSync(join(ROOT, 'bench', `${of}.ts`));
    });
  assert.deepEqual(wrong, []);
});

/** Of the APIs of other providers (docs/compatible-apis.md) and the paths that are no part of the API. */
const BESIDES = /^\/(?:api\/|3\.0|v3\/|email|tx-api|portal|webhooks)/;

interface Request {
  method: string;
  url: URL;
  body: string | null;
}

function readCurl(words: readonly string[]): Request | null {
  let method: string | null = null;
  let body: string | null = null;
  let target: string | null = null;
  for (let at = 1; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (/^(-X|--request)$/.test(word)) method = words[++at] ?? null;
    else if (/^(-d|--data|--data-raw|--data-binary|--json)$/.test(word)) body = words[++at] ?? null;
    else if (/^(-[HouF]|--header|--max-time|--cacert|--resolve|--user)$/.test(word)) at += 1;
    else if (!word.startsWith('-')) target ??= word;
  }
  const path = /^(?:https?:\/\/[^/]+|\$\{?[A-Z_]+\}?)(\/.*)$/.exec(target ?? '')?.[1];
  if (path === undefined) return null;
  const url = new URL(path, 'http://server.test');
  return { method: method ?? (body === null ? 'GET' : 'POST'), url, body };
}

const isOf = ({ path }: Route, pathname: string): boolean =>
  new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(pathname);

const findRoute = ({ method, url }: Request): Route | undefined =>
  api.routes.find((route) => route.method === method && isOf(route, url.pathname));

/** Null when the request is one that the API takes. */
function whatIsWrong(request: Request): string | null {
  const route = findRoute(request);
  const { method, url, body } = request;
  if (route === undefined) return `there is no ${method} ${url.pathname}`;
  const query = Object.fromEntries(url.searchParams);
  const names = Object.keys(query);
  if (names.length > 0) {
    const read = route.query?.safeParse(query);
    // A cursor and an id that were cut short are no mistake of the page's.
    if (read === undefined) return `${url.pathname} takes no ${names.join(', ')}`;
    if (!read.success) return read.error.message;
  }
  if (body === null || body.startsWith('@')) return null;
  try {
    const read = route.body?.safeParse(JSON.parse(body));
    if (read === undefined) return `${method} ${url.pathname} takes no body`;
    return read.success ? null : read.error.message;
  } catch (error) {
    return String(error);
  }
}

test('each request is one that the API takes', () => {
  let count = 0;
  const wrong: string[] = [];
  for (const { where, words } of named('curl')) {
    const request = words.includes('...') ? null : readCurl(words);
    if (request === null || BESIDES.test(request.url.pathname)) continue;
    count += 1;
    const fault = whatIsWrong(request);
    if (fault !== null) wrong.push(`${where} ${fault}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(count > 50, String(count));
});

test('routes that are named are there', () => {
  const wrong: string[] = [];
  for (const file of PAGES) {
    const page = readFileSync(join(ROOT, file), 'utf8');
    for (const [whole, method = '', path = ''] of page.matchAll(
      /`(?:([A-Z]+) )?(\/v1\/[^`\s?]*)/g,
    )) {
      // `/v1/sinks/...` are all of them.
      const [, from = '', isFamily] = /^(.*?)(\/?\.\.\.)?$/.exec(path) ?? [];
      const fits = (route: Route): boolean =>
        (method === '' || route.method === method) &&
        (isFamily === undefined ? isOf(route, from) : route.path.startsWith(from));
      if (!api.routes.some(fits)) wrong.push(`${file} ${whole}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('settings that are named are there', () => {
  const names = new Set((Object.keys(SETTINGS) as SettingName[]).map(settingKey));
  const wrong = PAGES.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\[`(\w+)`\]\(configuration\.md\)/g)]
      .filter(([, name = '']) => !names.has(name))
      .map(([whole]) => `${file} ${whole}`),
  );
  assert.deepEqual(wrong, []);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('what is set as JSON, YAML, JavaScript or TypeScript can be read as that', () => {
  const READERS: Readonly<Record<string, (text: string) => unknown>> = {
    json: (text) => JSON.parse(text),
    expression: (text) => jsonata(text),
    yaml: (text) => parseYaml(text),
    js: (text) => stripTypeScriptTypes(text),
    ts: (text) => stripTypeScriptTypes(text),
  };
  let count = 0;
  const wrong: string[] = [];
  for (const file of PAGES) {
    for (const { language, text, line } of readCode(readFileSync(join(ROOT, file), 'utf8'))) {
      const isObject = language === null && /^[{[]/.test(text) && /[}\]]$/.test(text);
      // Where it is no JSON, JSONata: an expression for a body.
      const kind =
        !isObject || text.includes('...') ? language : isJson(text) ? 'json' : 'expression';
      const read = READERS[kind ?? ''];
      if (read === undefined) continue;
      count += 1;
      try {
        read(text);
      } catch (error) {
        wrong.push(`${file}:${line} ${String(error)}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(count > 30, String(count));
});
