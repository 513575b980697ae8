import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { PosthornEvent } from '../../api/objects.ts';
import { eventDialectsQuery } from '../../api/queries.ts';
import { CodeBlock } from '../../design/copy.tsx';
import { formatBody } from '../../design/format-body.ts';
import { SelectField } from '../../design/forms/field.tsx';
import { ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Section } from '../../design/page.tsx';
import { useWords } from '../../words/words.tsx';

/** The one that is shown at first, which is the event itself. */
const STANDARD = 'standard';

/** The event as applications get it, in the dialect that is chosen. */
export function EventBody({ event }: { event: PosthornEvent }) {
  const { events } = useWords();
  const [dialect, setDialect] = useState(STANDARD);
  const { data, error, refetch } = useQuery(eventDialectsQuery(event.id));
  const shown = data?.data.find((one) => one.dialect === dialect);
  return (
    <Section
      title={events.json}
      aside={
        <SelectField
          label={events.showAs}
          value={dialect}
          options={(data?.data ?? [{ dialect: STANDARD, body: '' }]).map(
            (one): [string, string] => [
              one.dialect,
              one.body === null ? events.notCarried(one.dialect) : one.dialect,
            ],
          )}
          onChange={({ target }) => setDialect(target.value)}
          className="!w-auto"
        />
      }
    >
      {dialect === STANDARD ? (
        <CodeBlock text={JSON.stringify(event, null, 2)} label={events.json} />
      ) : shown !== undefined ? (
        <Shown {...shown} />
      ) : error === null ? (
        <Waiting />
      ) : (
        <ProblemNotice error={error} retry={() => void refetch()} />
      )}
    </Section>
  );
}

function Shown({
  dialect,
  headers,
  body,
}: {
  dialect: string;
  headers: readonly { name: string; value: string }[];
  body: string | null;
}) {
  const { events } = useWords();
  if (body === null) return <p className="text-muted">{events.noWord(dialect)}</p>;
  const type = headers.find(({ name }) => name.toLowerCase() === 'content-type')?.value ?? '';
  return (
    <>
      <p className="mb-2 text-muted">{events.showAsLead}</p>
      {headers.length > 0 && (
        <div className="mb-3">
          <CodeBlock
            text={headers.map(({ name, value }) => `${name}: ${value}`).join('\n')}
            label={events.headers}
          />
        </div>
      )}
      <CodeBlock text={formatBody(body, type)} label={events.json} />
    </>
  );
}
