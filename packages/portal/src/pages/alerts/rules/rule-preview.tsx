import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../../api/client.ts';
import type { AlertPast, AlertPreview, AlertRuleType } from '../../../api/objects.ts';
import { toProblem } from '../../../api/problem.ts';
import { Button } from '../../../design/button.tsx';
import { CodeBlock } from '../../../design/copy.tsx';
import { SelectField } from '../../../design/forms/field.tsx';
import { useSettled } from '../../../design/forms/use-settled.ts';
import { Card, Section } from '../../../design/page.tsx';
import { Time } from '../../../design/time.tsx';
import { formatSpan } from '../../../words/format.ts';
import { useWords } from '../../../words/words.tsx';
import { AboutLink } from '../alert-parts.tsx';
import type { RuleBody } from './read-rule.ts';

type Draft = RuleBody & { type: string };

/** The rule as a sentence while it is typed, what it finds now, and what it would say. */
export function RulePreview({ draft }: { draft: Draft | null }) {
  const { alerts } = useWords();
  const settled = useSettled(JSON.stringify(draft));
  const { data, error } = useQuery({
    queryKey: ['/v1/alert-rules/preview', settled],
    queryFn: ({ signal }) =>
      call<AlertPreview>('/v1/alert-rules/preview', {
        method: 'POST',
        body: JSON.parse(settled),
        signal,
      }),
    enabled: settled !== 'null',
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  const firing = data?.now.filter(({ fires }) => fires) ?? [];
  const wrong = error === null ? null : toProblem(error);
  return (
    <Section title={alerts.form.sentence}>
      <Card className="p-3">
        <p role="status" className={wrong === null ? 'text-[15px]' : 'text-warn'}>
          {wrong === null ? data?.sentence : (wrong.fields[0]?.detail ?? wrong.message)}
        </p>
        {data !== undefined && (
          <>
            <p className="mt-2 text-muted">{alerts.form.now(firing.length)}</p>
            <ul>
              {firing.map(({ about, sentence }) => (
                <li key={about?.id ?? ''} className="mt-1 wrap-anywhere text-bad">
                  {sentence} <AboutLink about={about} />
                </li>
              ))}
            </ul>
            <details className="mt-3">
              <summary className="text-muted">{alerts.form.mail}</summary>
              <p className="my-2 font-medium">{data.fired.subject}</p>
              <CodeBlock text={data.fired.text} label={alerts.form.mail} />
            </details>
          </>
        )}
      </Card>
    </Section>
  );
}

const SPANS = ['1', '7', '30', '60'] as const;

/** When it would have fired. */
export function RulePast({ draft, type }: { draft: Draft | null; type: AlertRuleType }) {
  const words = useWords();
  const { alerts, time } = words;
  const [days, setDays] = useState<(typeof SPANS)[number]>('7');
  const test = useMutation({
    mutationFn: () =>
      call<AlertPast>('/v1/alert-rules/test', {
        method: 'POST',
        body: { rule: draft, days: Number(days) },
      }),
  });
  return (
    <Section title={alerts.form.past}>
      {type.past === null ? (
        <p className="text-muted">{alerts.form.noPast}</p>
      ) : (
        <div className="flex flex-wrap items-center gap-2">
          <SelectField
            label={time.period}
            value={days}
            options={SPANS.map((one): [string, string] => [one, time.days(Number(one))])}
            onChange={({ target }) => {
              test.reset();
              setDays(SPANS.find((one) => one === target.value) ?? '7');
            }}
            className="!w-auto"
          />
          <Button isBusy={test.isPending} onClick={() => test.mutate()}>
            {alerts.form.test}
          </Button>
        </div>
      )}
      {test.error !== null && (
        <p role="alert" className="mt-2 text-bad">
          {toProblem(test.error).fields[0]?.detail ?? test.error.message}
        </p>
      )}
      <p role="status" className="mt-2">
        {test.data?.sentence}
      </p>
      {test.data !== undefined && test.data.firings.length > 0 && (
        <Card className="mt-2 max-h-80 overflow-auto">
          <ul>
            {test.data.firings.map(({ about, fired_at, resolved_at, sentence }) => (
              <li
                key={`${fired_at} ${about?.id}`}
                className="border-b border-line p-2.5 last:border-0"
              >
                <p className="text-muted">
                  <Time at={fired_at} isExact />
                  {resolved_at !== null &&
                    ` · ${formatSpan(Date.parse(resolved_at) - Date.parse(fired_at), words)}`}
                </p>
                <p className="wrap-anywhere">
                  {sentence} <AboutLink about={about} />
                </p>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Section>
  );
}
