import { ConfigError } from '../../config.ts';
import { LIST_FORMATS, type ListFormat } from '../../core/mail/list-format.ts';
import { describeProgress, isOver, type JobView, waitForJob } from '../client/wait-for-job.ts';
import { plain } from '../output/columns.ts';
import { choice, defineCommand, type ServerCall } from '../program/command-spec.ts';
import { given, readText } from '../program/values.ts';
import { splitList } from './split-list.ts';
import { REASONS, STREAMS } from './suppression-columns.ts';

interface Options {
  format?: ListFormat;
  reason?: string;
  stream?: string;
}

/** The server takes 16 MB of JSON; quotes and line ends take two characters there, others up to four bytes. */
const PART_CHARS = 3_000_000;

interface Imported {
  jobs: string[];
  taken: number;
  refused: number;
  problems: { line: number; detail: string }[];
}

/** `posthorn suppressions import`: a list of any size, in parts, one job after the other. */
export const importSuppressions = defineCommand<Options>({
  name: 'suppressions import',
  summary: 'Put the addresses of a CSV or NDJSON file on the list, and follow to the end.',
  args: ['<file>'],
  options: [
    choice('--format <format>', 'what the file is (default: by its name)', LIST_FORMATS),
    choice('--reason <reason>', 'for lines that name none (default: manual)', REASONS),
    choice('--stream <stream>', 'for lines that name none (default: all)', STREAMS),
  ],
  json: 'what was taken as JSON',
  examples: [
    'posthorn suppressions import bounces.csv --reason hard_bounce',
    'posthorn suppressions import - --format ndjson < list.ndjson',
  ],
  async run(call) {
    const file = call.args[0] ?? '';
    const format = call.options.format ?? formatOf(file);
    const text = await readText(file, call.world, 'The list');
    const imported: Imported = { jobs: [], taken: 0, refused: 0, problems: [] };
    for (const { linesBefore, content } of splitList(text, format, PART_CHARS)) {
      const job = await importPart(call, format, content);
      const { done, failed, problems = [] } = job.progress;
      imported.jobs.push(job.id);
      imported.taken += done;
      imported.refused += failed;
      for (const { line, detail } of problems) {
        imported.problems.push({ line: line + linesBefore, detail });
      }
      if (job.state !== 'done') {
        call.print.thing(imported, () => [`${job.id} ${describeProgress(job)}`]);
        return isOver(job) ? 1 : 0;
      }
    }
    call.print.thing(imported, () => describe(imported));
    return imported.refused === 0 ? 0 : 1;
  },
});

async function importPart(
  call: ServerCall<Options>,
  format: ListFormat,
  content: string,
): Promise<JobView> {
  const { reason, stream } = call.options;
  const body = { format, content, ...given({ reason, stream }) };
  return waitForJob(await call.client.post<JobView>('/v1/suppressions/imports', body), call);
}

function formatOf(file: string): ListFormat {
  if (/\.csv$/i.test(file)) return 'csv';
  if (/\.(ndjson|jsonl)$/i.test(file)) return 'ndjson';
  throw new ConfigError(`--format: say whether ${file} is csv or ndjson.`);
}

function describe({ taken, refused, problems }: Imported): string[] {
  const left = refused - problems.length;
  return [
    `${taken} lines were taken, ${refused} were not.`,
    ...problems.map(({ line, detail }) => `  line ${line}: ${plain(detail)}`),
    ...(left > 0 ? [`  and ${left} more`] : []),
  ];
}
