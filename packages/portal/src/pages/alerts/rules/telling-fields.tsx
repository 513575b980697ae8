import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import {
  type AlertActionType,
  type AlertRule,
  type AlertRuleType,
  STREAMS,
  WEEKDAYS,
} from '../../../api/objects.ts';
import { keysQuery, sinksQuery } from '../../../api/queries.ts';
import { CheckField } from '../../../design/forms/check-field.tsx';
import { DurationField } from '../../../design/forms/duration-field.tsx';
import { TextField } from '../../../design/forms/field.tsx';
import { useFieldProblem } from '../../../design/forms/form.tsx';
import { LinesField } from '../../../design/forms/lines-field.tsx';
import { useLanguage, useWords } from '../../../words/words.tsx';
import { ChoiceField } from './choice-field.tsx';

/** Whom it tells: sinks of the project, and addresses. */
export function ToFields({ kept }: { kept: AlertRule['to'] | null }) {
  const { alerts } = useWords();
  const { form } = alerts;
  const known =
    useInfiniteQuery(sinksQuery()).data?.pages.flatMap(({ data }) =>
      data.map(({ id, name }) => ({ id, name })),
    ) ?? [];
  // One that was deleted stays, so that it can be taken off.
  const gone = (kept?.sinks ?? []).filter((id) => known.every((one) => one.id !== id));
  const sinks = [...known, ...gone.map((id) => ({ id, name: id }))];
  return (
    <>
      <fieldset>
        <legend className="mb-1 font-medium">{form.sinks}</legend>
        {sinks.length === 0 && (
          <p className="text-muted">
            {form.noSinks}{' '}
            <Link to="/sinks/new" className="underline">
              {form.newSink}
            </Link>
          </p>
        )}
        {sinks.map(({ id, name }) => (
          <CheckField
            key={id}
            label={name}
            name="to/sinks"
            value={id}
            defaultChecked={kept?.sinks.includes(id) ?? false}
          />
        ))}
        <GroupProblem name="to/sinks" />
      </fieldset>
      <LinesField
        label={form.emails}
        name="to/emails"
        rows={2}
        defaultValue={kept?.emails.join('\n') ?? ''}
        placeholder="ops@example.com"
        help={form.emailsHelp}
      />
    </>
  );
}

/** What the server said of a group of fields. */
function GroupProblem({ name }: { name: string }) {
  const { said } = useFieldProblem(name);
  return said === null ? null : <p className="text-[13px] text-bad">{said}</p>;
}

/** When it does not tell, and how often it tells again. */
export function QuietFields({ kept }: { kept: AlertRule | null }) {
  const { alerts } = useWords();
  const { language } = useLanguage();
  const { form } = alerts;
  const quiet = kept?.quiet_hours ?? null;
  const [isOn, setOn] = useState(quiet !== null);
  const weekday = new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' });
  // 1 January 2024 was a Monday.
  const nameOf = (i: number): string => weekday.format(Date.UTC(2024, 0, 1 + i));
  return (
    <>
      <DurationField
        label={form.repeat}
        name="repeat_seconds"
        usualUnit="h"
        kept={kept?.repeat_seconds ?? null}
        help={form.repeatHelp}
      />
      <fieldset>
        <CheckField
          label={form.quiet}
          help={form.quietHelp}
          name="quiet"
          checked={isOn}
          onChange={({ target }) => setOn(target.checked)}
        />
        {isOn && (
          <div className="mt-2 ml-6 flex flex-col gap-3">
            <div className="grid grid-cols-2 gap-4">
              <TextField
                label={form.from}
                name="quiet_hours/from"
                required
                pattern="[0-9]{2}:[0-9]{2}"
                defaultValue={quiet?.from ?? '22:00'}
              />
              <TextField
                label={form.until}
                name="quiet_hours/to"
                required
                pattern="[0-9]{2}:[0-9]{2}"
                defaultValue={quiet?.to ?? '07:00'}
              />
            </div>
            <TextField
              label={form.timeZone}
              name="quiet_hours/time_zone"
              required
              defaultValue={
                quiet?.time_zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone
              }
            />
            <fieldset>
              <legend className="mb-1 font-medium">{form.days}</legend>
              <div className="flex flex-wrap gap-x-4">
                {WEEKDAYS.map((day, i) => (
                  <CheckField
                    key={day}
                    label={nameOf(i)}
                    name="quiet_hours/days"
                    value={day}
                    defaultChecked={quiet === null || quiet.days.includes(day)}
                  />
                ))}
              </div>
            </fieldset>
            <CheckField label={form.urgent} name="urgent" defaultChecked={kept?.urgent ?? false} />
          </div>
        )}
        <GroupProblem name="quiet_hours" />
      </fieldset>
    </>
  );
}

/** What it does by itself, with a plain word of warning. */
export function ActionFields({ type, kept }: { type: AlertRuleType; kept: AlertRule | null }) {
  const { alerts } = useWords();
  const { form } = alerts;
  const keys = useInfiniteQuery(keysQuery()).data?.pages.flatMap(({ data }) => data) ?? [];
  const [chosen, setChosen] = useState<ReadonlySet<AlertActionType>>(
    new Set(kept?.actions.map((one) => one.type)),
  );
  if (type.actions.length === 0) return null;

  function toggle(action: AlertActionType, isOn: boolean): void {
    const next = new Set(chosen);
    if (isOn) next.add(action);
    else next.delete(action);
    setChosen(next);
  }

  const keptOf = (action: AlertActionType) => kept?.actions.find((one) => one.type === action);
  return (
    <fieldset>
      <legend className="mb-1 font-medium">{form.actions}</legend>
      {type.actions.map((action) => (
        <div key={action}>
          <CheckField
            label={form.actionNames[action]}
            name="actions"
            value={action}
            checked={chosen.has(action)}
            onChange={({ target }) => toggle(action, target.checked)}
          />
          {action === 'hold_stream' && chosen.has(action) && (
            <div className="ml-6 max-w-xs">
              <ChoiceField
                isBare
                label={form.whichStream}
                name="hold_stream"
                kept={keptOf(action)?.stream ?? 'broadcast'}
                options={STREAMS.map((one) => [one, one] as const)}
              />
            </div>
          )}
          {action === 'hold_key' && chosen.has(action) && (
            <div className="ml-6 max-w-xs">
              <ChoiceField
                isBare
                label={form.whichKey}
                name="hold_key"
                kept={keptOf(action)?.key ?? keys[0]?.id ?? ''}
                options={keys.map(({ id, name }) => [id, name] as const)}
              />
            </div>
          )}
        </div>
      ))}
      {chosen.size > 0 && (
        <p role="note" className="mt-2 rounded-md bg-warn-soft p-2.5 text-warn">
          {form.actionsWarning}
        </p>
      )}
      <GroupProblem name="actions" />
    </fieldset>
  );
}
