import { defineCommand, option } from '../program/command-spec.ts';
import { given, wholeNumber } from '../program/values.ts';
import { findSink } from './find-sink.ts';
import { choosingOptions, readChoosing, type SinkFieldOptions } from './sink-field-options.ts';
import { describeTrouble, type SinkTroubleView, sinkPath } from './sink-view.ts';

interface Tested {
  ok: boolean;
  error: SinkTroubleView | null;
  duration_ms: number;
}

export const testSink = defineCommand<{ type?: string }>({
  name: 'sinks test',
  summary: 'Send a sample to a sink at once, and say what the destination answers.',
  args: ['<name-or-id>'],
  options: [option('--type <type>', 'which event, such as email.bounced')],
  json: 'the answer as JSON',
  examples: ['posthorn sinks test warehouse --type email.complained'],
  async run({ args: [id], client, options, print }) {
    const sink = await findSink(client, id);
    const tested = await client.post<Tested>(
      `${sinkPath(sink)}/test`,
      given({ type: options.type }),
    );
    const { ok, error, duration_ms: ms } = tested;
    print.thing(tested, () => [
      ok
        ? `${sink.name} took it, in ${Math.round(ms)} ms.`
        : `Not taken: ${describeTrouble(error)}`,
    ]);
    return ok ? 0 : 1;
  },
});

interface PreviewLine {
  event_id: string;
  event_type: string;
  outcome: string;
  body: unknown;
  error: string | null;
}

type PreviewOptions = Omit<SinkFieldOptions, 'set'> & { limit: number };

export const previewSink = defineCommand<PreviewOptions>({
  name: 'sinks preview',
  summary: 'Show what a sink would get of the latest events; nothing is sent.',
  args: ['<name-or-id>'],
  options: [
    ...choosingOptions(),
    option('--limit <number>', 'how many events', wholeNumber(1, 50)).default(10),
  ],
  examples: ['posthorn sinks preview warehouse --transformation draft.jsonata'],
  async run(call) {
    const { client, options, print } = call;
    const sink = await findSink(client, call.args[0]);
    const { data } = await client.post<{ data: PreviewLine[] }>(`${sinkPath(sink)}/preview`, {
      ...(await readChoosing(call)),
      limit: options.limit,
    });
    if (data.length === 0) print.note('There are no events yet.');
    for (const line of data) print.thing(line, () => renderPreview(line));
    return data.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
  },
});

function renderPreview({ event_id, event_type, outcome, body, error }: PreviewLine): string[] {
  const head = `${event_id} ${event_type} ${outcome.replace('_', ' ')}`;
  if (error !== null) return [head, `  ${error}`];
  if (outcome !== 'sent') return [head];
  return [
    head,
    ...JSON.stringify(body, null, 2)
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}
