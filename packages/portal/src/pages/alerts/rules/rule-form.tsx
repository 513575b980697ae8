import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { AlertRule, AlertRuleType } from '../../../api/objects.ts';
import { Button } from '../../../design/button.tsx';
import { CheckField } from '../../../design/forms/check-field.tsx';
import { TextField } from '../../../design/forms/field.tsx';
import { Form } from '../../../design/forms/form.tsx';
import { useWords } from '../../../words/words.tsx';
import { ConditionFields, ScopeFields } from './condition-fields.tsx';
import { type RuleBody, readRule } from './read-rule.ts';
import { RulePast, RulePreview } from './rule-preview.tsx';
import { ActionFields, QuietFields, ToFields } from './telling-fields.tsx';

/** A rule as a form; beside it, as one types, the rule as a sentence. */
export function RuleForm({
  type,
  kept,
  before,
  error,
  isBusy,
  save,
}: {
  type: AlertRuleType;
  /** The rule as it is; null for a new one. */
  kept: AlertRule | null;
  /** Above the fields. */
  before?: ReactNode;
  error: unknown;
  isBusy: boolean;
  save: (body: RuleBody) => void;
}) {
  const { alerts } = useWords();
  const { form: say } = alerts;
  const fields = useRef<HTMLDivElement>(null);
  const [draft, setDraft] = useState<(RuleBody & { type: string }) | null>(null);

  function read(): void {
    const form = fields.current?.closest('form');
    if (form == null) return;
    setDraft({ type: type.type, ...readRule(new FormData(form), type, kept === null) });
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: another type has other fields, and other defaults.
  useEffect(read, [type.type]);

  return (
    <div className="grid gap-x-8 lg:grid-cols-[minmax(0,1fr)_24rem]">
      <Form
        error={error}
        submit={(form) => save(readRule(form, type, kept === null))}
        className="mb-8"
      >
        {before}
        <div
          key={type.type}
          ref={fields}
          // Boxes that show further fields have them one drawing later.
          onChange={() => requestAnimationFrame(read)}
          className="flex flex-col gap-5"
        >
          <p className="text-muted">{type.summary}</p>
          <TextField
            label={say.name}
            name="name"
            maxLength={200}
            defaultValue={kept?.name ?? ''}
            placeholder={type.title}
          />
          <ConditionFields type={type} kept={kept} />
          <ScopeFields type={type} kept={kept} />
          <ToFields kept={kept?.to ?? null} />
          <QuietFields kept={kept} />
          <ActionFields type={type} kept={kept} />
          <CheckField label={say.enabled} name="enabled" defaultChecked={kept?.enabled ?? true} />
          <div>
            <Button type="submit" kind="primary" isBusy={isBusy}>
              {kept === null ? say.create : say.save}
            </Button>
          </div>
        </div>
      </Form>
      <div className="min-w-0">
        <div className="lg:sticky lg:top-20">
          <RulePreview draft={draft} />
          <RulePast draft={draft} type={type} />
        </div>
      </div>
    </div>
  );
}
