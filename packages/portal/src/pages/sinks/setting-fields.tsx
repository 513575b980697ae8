import { useId, useState } from 'react';
import type { SinkKind, SinkSetting } from '../../api/objects.ts';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { useFieldProblem } from '../../design/forms/form.tsx';
import { LinesField } from '../../design/forms/lines-field.tsx';
import { useWords } from '../../words/words.tsx';

/** What is longer is a file, a key or a certificate, with lines of its own. */
const ONE_LINE = 5_000;
const ROWS = 4;

/** The names of the fields of settings, as the server points at them. */
const PREFIX = 'settings/';

/** What has settings: a kind, or a preset. */
export type WithSettings = Pick<SinkKind, 'settings' | 'secrets'>;

interface FieldProps {
  name: string;
  setting: SinkSetting;
  isSecret: boolean;
  isRequired: boolean;
  /** What the sink has now; of a secret `true`. */
  kept: unknown;
}

/** A field for each setting of a kind, made from its JSON Schema. Secrets are never shown. */
export function SettingFields({
  of: kind,
  kept = {},
}: {
  of: WithSettings;
  kept?: Record<string, unknown>;
}) {
  const { properties = {}, required = [] } = kind.settings;
  return Object.entries(properties).map(([name, setting]) => (
    <SettingField
      key={name}
      name={name}
      setting={setting}
      isSecret={kind.secrets.includes(name)}
      isRequired={required.includes(name)}
      kept={kept[name]}
    />
  ));
}

function SettingField(props: FieldProps) {
  const { setting } = props;
  if (setting.type === 'boolean') return <Switch {...props} />;
  if (setting.type === 'object') return <Pairs {...props} />;
  if (setting.enum !== undefined) return <Choice {...props} options={setting.enum} />;
  if ((setting.maxLength ?? 0) > ONE_LINE) return <Lines {...props} />;
  return <Line {...props} />;
}

const labelOf = (name: string): string =>
  name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');

function usePlaceholder({ setting, isSecret, kept }: FieldProps): string | undefined {
  const { sinks } = useWords();
  if (isSecret && kept === true) return sinks.keptSecret;
  const usual = setting.default;
  return usual === undefined || usual === '' || isSecret ? undefined : sinks.usual(String(usual));
}

function Line(props: FieldProps) {
  const { name, setting, isSecret, isRequired, kept } = props;
  const isNumber = setting.type === 'integer';
  return (
    <TextField
      label={labelOf(name)}
      name={PREFIX + name}
      type={isSecret ? 'password' : isNumber ? 'number' : 'text'}
      autoComplete={isSecret ? 'new-password' : 'off'}
      spellCheck={false}
      required={isRequired && kept !== true}
      min={setting.minimum}
      max={setting.maximum}
      maxLength={setting.maxLength}
      placeholder={usePlaceholder(props)}
      defaultValue={kept === undefined || isSecret ? '' : String(kept)}
      help={setting.description}
    />
  );
}

function Lines(props: FieldProps) {
  const { name, setting, isSecret, isRequired, kept } = props;
  return (
    <LinesField
      label={labelOf(name)}
      name={PREFIX + name}
      rows={ROWS}
      required={isRequired && kept !== true}
      placeholder={usePlaceholder(props)}
      defaultValue={kept === undefined || isSecret ? '' : String(kept)}
      help={setting.description}
      className={isSecret ? '[-webkit-text-security:disc]' : ''}
    />
  );
}

function Choice({ name, setting, kept, options }: FieldProps & { options: readonly string[] }) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block font-medium">
        {labelOf(name)}
      </label>
      <select
        id={id}
        name={PREFIX + name}
        defaultValue={String(kept ?? setting.default ?? options[0])}
        aria-describedby={`${id}-note`}
        className="h-8 rounded-md border border-line-strong bg-surface px-2.5 text-ink"
      >
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
      <p id={`${id}-note`} className="mt-1 text-[13px] text-muted">
        {setting.description}
      </p>
    </div>
  );
}

function Switch({ name, setting, kept }: FieldProps) {
  return (
    <label className="flex items-start gap-2">
      <input
        type="checkbox"
        name={PREFIX + name}
        defaultChecked={(kept ?? setting.default) === true}
        className="mt-1 accent-accent"
      />
      <span>
        <span className="font-medium">{labelOf(name)}</span>
        <span className="block text-[13px] text-muted">{setting.description}</span>
      </span>
    </label>
  );
}

/** Names with values, such as headers. */
function Pairs(props: FieldProps) {
  const { name, setting, isSecret } = props;
  const { sinks } = useWords();
  const [count, setCount] = useState(1);
  const { said } = useFieldProblem(PREFIX + name);
  const placeholder = usePlaceholder({ ...props, setting: {} });
  return (
    <fieldset>
      <legend className="font-medium">{labelOf(name)}</legend>
      <p className={`mb-1 text-[13px] ${said === null ? 'text-muted' : 'text-bad'}`}>
        {said ?? setting.description}
      </p>
      {Array.from({ length: count }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are only ever added at the end.
        <div key={i} className="grid grid-cols-2 gap-2">
          <TextField label={sinks.pairName} name={`${PREFIX}${name}.name`} spellCheck={false} />
          <TextField
            label={sinks.pairValue}
            name={`${PREFIX}${name}.value`}
            type={isSecret ? 'password' : 'text'}
            autoComplete={isSecret ? 'new-password' : 'off'}
            placeholder={placeholder}
          />
        </div>
      ))}
      <Button onClick={() => setCount(count + 1)}>{sinks.addPair}</Button>
    </fieldset>
  );
}

/**
 * The settings that were entered, as the API takes them. What was left empty is left out; of a sink that is
 * there it goes back to its default, unless it is a secret, which stays.
 */
export function readSettings(
  form: FormData,
  kind: WithSettings,
  kept: Record<string, unknown> = {},
): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(kind.settings.properties ?? {})) {
    const value = readSetting(form, PREFIX + name, setting);
    if (value !== undefined) settings[name] = value;
    else if (kept[name] !== undefined && !kind.secrets.includes(name)) settings[name] = null;
  }
  return settings;
}

function readSetting(form: FormData, name: string, setting: SinkSetting): unknown {
  if (setting.type === 'boolean') return form.has(name);
  if (setting.type === 'object') {
    const values = form.getAll(`${name}.value`).map(String);
    const pairs = form.getAll(`${name}.name`).map((one, i) => [String(one).trim(), values[i]]);
    const entered = pairs.filter(([one]) => one !== '');
    return entered.length === 0 ? undefined : Object.fromEntries(entered);
  }
  const text = String(form.get(name) ?? '').trim();
  if (text === '') return undefined;
  return setting.type === 'integer' ? Number(text) : text;
}
