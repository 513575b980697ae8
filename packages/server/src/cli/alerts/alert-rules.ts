import { nearestName } from '../../core/nearest-name.ts';
import { type ApiClient, ApiError } from '../client/api-client.ts';
import { type PageOptions, pageOptions, printList, readPages } from '../client/list-pages.ts';
import { toShortTime } from '../output/table.ts';
import { defineCommand, option, repeated } from '../program/command-spec.ts';
import { wholeNumber } from '../program/values.ts';
import { RULE_COLUMNS, type RuleView } from './alert-view.ts';

interface PastView {
  sentence: string;
  firings: { fired_at: string; resolved_at: string | null; sentence: string }[];
}

/** Most have a dozen; who has more than this names the id. */
const SEARCHED = 1_000;

export const listRules = defineCommand<PageOptions>({
  name: 'alerts rules',
  summary: 'List the rules that watch over the project, each in a sentence.',
  options: pageOptions(),
  examples: ['posthorn alerts rules'],
  run: (call) =>
    printList<RuleView>(call, '/v1/alert-rules', {
      columns: RULE_COLUMNS,
      empty:
        'Nothing is watched yet. "posthorn alerts defaults --email YOU" takes over the usual rules.',
    }),
});

export const takeDefaults = defineCommand<{ email: readonly string[]; sink: readonly string[] }>({
  name: 'alerts defaults',
  summary: 'Take over the rules that most projects want; those that are there stay as they are.',
  options: [
    repeated('--email <address>', 'who gets a mail of each alert'),
    repeated('--sink <id>', 'a sink that is told of each'),
  ],
  json: 'the rules that were made as JSON',
  examples: ['posthorn alerts defaults --email ops@shop.example'],
  async run({ client, options, print }) {
    const to = { emails: options.email, sinks: options.sink };
    const answer = await client.post<{ data: RuleView[]; skipped: string[] }>(
      '/v1/alert-rules/defaults',
      { to },
    );
    print.thing(answer, () => [
      ...answer.data.map(({ name }) => `made    ${name}`),
      ...answer.skipped.map((name) => `kept    ${name}`),
    ]);
    return 0;
  },
});

export const testRule = defineCommand<{ days: number }>({
  name: 'alerts test',
  summary: 'Say when a rule would have fired in the last days. Nobody is told.',
  args: ['<name-or-id>'],
  options: [option('--days <number>', 'how far back', wholeNumber(1, 60)).default(7)],
  json: 'when it would have fired as JSON',
  examples: ['posthorn alerts test "Bounce rate over 5%" --days 30'],
  async run({ args: [given], client, options, print }) {
    const { id } = await findRule(client, given);
    const { days } = options;
    const past = await client.post<PastView>(`/v1/alert-rules/${id}/test`, { days });
    print.thing(past, () => [
      past.sentence,
      ...past.firings.map(({ fired_at: from, resolved_at: to, sentence }) => {
        const end = to === null ? 'now' : toShortTime(to);
        return `  ${toShortTime(from)} to ${end}  ${sentence}`;
      }),
    ]);
    return 0;
  },
});

/** A rule by its id or its name. Throws ApiError, which names the nearest one. */
async function findRule(client: ApiClient, idOrName = ''): Promise<RuleView> {
  if (idOrName.startsWith('alr_')) {
    return client.get<RuleView>(`/v1/alert-rules/${encodeURIComponent(idOrName)}`);
  }
  const names: string[] = [];
  const pages = readPages<RuleView>(client, '/v1/alert-rules', { query: {}, limit: SEARCHED });
  for await (const { rows } of pages) {
    const found = rows.find(({ name }) => name.toLowerCase() === idOrName.toLowerCase());
    if (found !== undefined) return found;
    names.push(...rows.map(({ name }) => name));
  }
  const nearest = nearestName(idOrName, names);
  const hint =
    nearest === null ? '"posthorn alerts rules" has them.' : `Did you mean "${nearest}"?`;
  const message = `The project has no alert rule ${JSON.stringify(idOrName)}. ${hint}`;
  throw new ApiError(message, { status: 404, code: 'not_found' });
}
