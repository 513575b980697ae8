import { Problem } from '../../api/problem.ts';
import { LinesField } from '../../design/forms/lines-field.tsx';
import { useWords } from '../../words/words.tsx';

const ROWS = 5;
const EXAMPLE = '{ "tag": ["receipt"], "recipient_domain": ["*.example.com"] }';

/** Which events of the chosen types, by what is in them: as JSON, as the API takes it. */
export function EventFilter({ kept = null }: { kept?: object | null }) {
  const { sinks } = useWords();
  return (
    <LinesField
      label={sinks.filter}
      name="filter"
      rows={ROWS}
      placeholder={EXAMPLE}
      defaultValue={kept === null ? '' : JSON.stringify(kept, null, 2)}
      help={
        <>
          {sinks.filterHelp}{' '}
          <a href="/docs/webhooks#content-filters" className="underline">
            {sinks.filterDocs}
          </a>
        </>
      }
    />
  );
}

/** Null: no filter. Throws a Problem that names the field, for what is no JSON. */
export function readFilter(form: FormData, { noJson }: { noJson: string }): object | null {
  const text = String(form.get('filter')).trim();
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    const fields = [{ pointer: '/filter', detail: noJson }];
    throw new Problem(noJson, { status: 422, code: 'invalid_field', fields });
  }
}
