import { ConfigError } from '../../config.ts';
import { defineCommand, option, type ServerCall } from '../program/command-spec.ts';
import { confirm } from '../program/confirm.ts';
import { readTime } from '../program/values.ts';
import { findSink } from './find-sink.ts';
import { describeBackfill, type SinkView, sinkPath } from './sink-view.ts';

interface Options {
  since?: string;
  watch?: boolean;
  stop?: boolean;
  yes?: boolean;
  wait: boolean;
}

/** How often its progress is asked for, ms. */
const LOOK_MS = 300;

export const backfillSink = defineCommand<Options>({
  name: 'sinks backfill',
  summary: 'Send the past to a sink, beside what happens now, and follow to the end.',
  args: ['<name-or-id>'],
  options: [
    option('--since <time>', 'from then on: 7d, 12h, or a time (default: all that is kept)'),
    option('--watch', 'follow the one that is under way'),
    option('--stop', 'end the one that is under way; what it has sent stays sent'),
    option('--no-wait', 'do not wait for the end'),
    option('--yes', 'do not ask before one that is under way begins anew'),
  ],
  json: 'the sink as JSON',
  examples: [
    'posthorn sinks backfill warehouse --since 30d',
    'posthorn sinks backfill warehouse --watch',
  ],
  async run(call) {
    const { args, client, options, print } = call;
    const sink = await findSink(client, args[0]);
    if (options.stop === true) {
      await client.remove(`${sinkPath(sink)}/backfill`);
      print.thing(await client.get<SinkView>(sinkPath(sink)), () => [
        'It sends nothing of the past.',
      ]);
      return 0;
    }
    if (options.watch === true && sink.backfill === null) {
      throw new ConfigError(`No backfill of ${sink.name} is under way.`);
    }
    const begun = options.watch === true ? sink : await begin(sink, call);
    if (begun === null) return 1;
    const seen = options.wait ? await follow(begun, call) : begun;
    print.thing(seen, () =>
      seen.backfill === null
        ? [`${sink.name} has been sent the past.`]
        : [`The past of ${sink.name}: ${describeBackfill(seen.backfill)}`],
    );
    return 0;
  },
});

/** Null when the one that is under way is to go on. */
async function begin(
  sink: SinkView,
  { client, options, world }: ServerCall<Options>,
): Promise<SinkView | null> {
  if (sink.backfill !== null) {
    const question = `One is under way (${describeBackfill(sink.backfill)}). Begin anew?`;
    if (!(await confirm(question, { yes: options.yes, world }))) return null;
  }
  const { since } = options;
  const time = since === undefined ? null : readTime(since, world.nowMs(), '--since');
  return client.post<SinkView>(`${sinkPath(sink)}/backfill`, { since: time });
}

/** Until its end, or until Ctrl-C: the backfill is the server's and goes on. */
async function follow(
  begun: SinkView,
  { client, print, world }: ServerCall<Options>,
): Promise<SinkView> {
  const interrupted = world.untilInterrupted();
  let sink = begun;
  let isSaid = false;
  while (sink.backfill !== null && !interrupted.aborted) {
    print.progress(describeBackfill(sink.backfill));
    if (sink.state === 'paused' && !isSaid) {
      print.note(`${sink.name} is paused: "posthorn sinks resume ${sink.id}" lets it go on.`);
      isSaid = true;
    }
    await world.sleep(LOOK_MS);
    if (!interrupted.aborted) sink = await client.get<SinkView>(sinkPath(sink));
  }
  if (sink.backfill !== null) {
    print.note(
      `The server goes on. Look with: posthorn sinks backfill ${sink.id} --watch, stop it with: posthorn sinks backfill ${sink.id} --stop`,
    );
  }
  return sink;
}
