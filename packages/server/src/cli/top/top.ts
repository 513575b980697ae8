import { ConfigError } from '../../config.ts';
import { parseDuration } from '../../lib/duration.ts';
import { ApiError } from '../client/api-client.ts';
import { widthOf } from '../output/columns.ts';
import { defineCommand, option, type ServerCall } from '../program/command-spec.ts';
import type { Terminal } from '../program/world.ts';
import { readSnapshot, type Snapshot } from './read-snapshot.ts';
import { ratesOf, renderTop } from './render-top.ts';

interface Options {
  every: string;
  once?: boolean;
  json: boolean;
}

const MIN_EVERY_MS = 500;

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_REST = '\u001b[J';
const CLEAR_LINE_REST = '\u001b[K';

/** `posthorn top`: how a server is, drawn again every two seconds until q. */
export const top = defineCommand<Options>({
  name: 'top',
  summary: 'Watch a server: rates, what waits, endpoints that fail, nodes; q ends.',
  options: [
    option('--every <duration>', 'how often it looks').default('2s'),
    option('--once', 'look twice, print, and end'),
  ],
  json: 'each look as JSON, on a line, until Ctrl-C',
  examples: ['posthorn top', 'posthorn top --once'],
  async run(call) {
    const { options, world, client, print } = call;
    const everyMs = parseDuration(options.every);
    if (everyMs === null || everyMs < MIN_EVERY_MS) {
      throw new ConfigError(
        `--every: "${options.every}" is no duration from 500ms on, such as 2s.`,
      );
    }
    if (options.once !== true && !options.json) return watch(call, everyMs);
    const interrupted = world.untilInterrupted();
    let before = await readSnapshot(client, world.nowMs);
    do {
      await world.sleep(everyMs);
      if (interrupted.aborted) break;
      const now = await readSnapshot(client, world.nowMs);
      const shown = { ...now, rates: ratesOf(before, now) };
      print.thing(shown, () => renderTop({ now, before, url: client.url }, print));
      before = now;
    } while (options.once !== true);
    return 0;
  },
});

/** On a terminal of its own page, so that what was there before comes back. */
async function watch(call: ServerCall<Options>, everyMs: number): Promise<number> {
  const { world, client } = call;
  const { terminal } = world;
  if (terminal === null) {
    throw new ConfigError('There is no terminal to draw on: give --once, or --json.');
  }
  // What is wrong with the key or the URL is said on the usual page.
  let now = await readSnapshot(client, world.nowMs);
  let before: Snapshot | null = null;
  let trouble: string | null = null;
  const interrupted = world.untilInterrupted();
  const quit = new AbortController();
  const stopKeys = terminal.onKeys((keys) => {
    if (/[q\u0003\u0004]/.test(keys)) quit.abort();
  });
  terminal.write(ENTER);
  try {
    while (!quit.signal.aborted && !interrupted.aborted) {
      draw(terminal, call, { now, before, trouble });
      await world.sleep(everyMs, quit.signal);
      if (quit.signal.aborted) break;
      try {
        [before, now] = [now, await readSnapshot(client, world.nowMs)];
        trouble = null;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== null) throw error;
        trouble = error.message;
      }
    }
    return 0;
  } finally {
    terminal.write(LEAVE);
    stopKeys();
  }
}

function draw(
  terminal: Terminal,
  { client, world }: ServerCall<Options>,
  look: { now: Snapshot; before: Snapshot | null; trouble: string | null },
): void {
  const { rows, columns: width } = terminal.size();
  const { colors } = world;
  const shown = renderTop({ ...look, url: client.url }, { width, colors });
  const said = look.trouble === null ? [] : [colors.red(look.trouble)];
  // A line that wraps would push the first one out of the screen.
  const lines = [...[...said, ...shown, ''].slice(0, rows - 2), 'q ends'];
  const drawn = lines.map((line) => `${cut(line, width)}${CLEAR_LINE_REST}`);
  terminal.write(`${HOME}${drawn.join('\r\n')}\r\n${CLEAR_REST}`);
}

/** Colours take no place on the screen, so a line that has them is cut only when its text is too long. */
function cut(line: string, width: number): string {
  const text = line.replace(/\u001b\[\d+m/g, '');
  if (widthOf(text) <= width) return line;
  return `${[...text].slice(0, width - 1).join('')}…`;
}
