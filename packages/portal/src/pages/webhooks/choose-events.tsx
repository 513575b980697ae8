import { useQuery } from '@tanstack/react-query';
import type { EventType } from '../../api/objects.ts';
import { eventTypesQuery } from '../../api/queries.ts';
import { useWords } from '../../words/words.tsx';

/** Which events an endpoint gets: everything, families as they are, or types one by one. */
export function ChooseEvents({
  chosen,
  choose,
}: {
  chosen: ReadonlySet<string>;
  choose: (next: ReadonlySet<string>) => void;
}) {
  const { newEndpoint } = useWords();
  const types = useQuery(eventTypesQuery()).data?.data ?? [];
  // A family such as email.* was chosen by the API, and has no place in the tree.
  const families = [...chosen].filter((one) => one !== '*' && one.endsWith('*'));

  function toggle(type: string, isOn: boolean): void {
    const next = new Set(chosen);
    if (isOn) next.add(type);
    else next.delete(type);
    if (type !== '*' && isOn) next.delete('*');
    choose(type === '*' && isOn ? new Set(['*']) : next);
  }

  return (
    <fieldset>
      <legend className="mb-2 font-medium">{newEndpoint.events}</legend>
      <Choice
        name={newEndpoint.everything}
        isOn={chosen.has('*')}
        toggle={(isOn) => toggle('*', isOn)}
      />
      {families.map((name) => (
        <Choice key={name} name={name} isOn toggle={(isOn) => toggle(name, isOn)} />
      ))}
      <EventTree types={types} chosen={chosen} toggle={toggle} />
    </fieldset>
  );
}

function EventTree({
  types,
  chosen,
  toggle,
}: {
  types: readonly EventType[];
  chosen: ReadonlySet<string>;
  toggle: (type: string, isOn: boolean) => void;
}) {
  const categories = [...new Set(types.map(({ category }) => category))];
  return categories.map((category) => (
    <details key={category} className="mt-2 rounded-md border border-line">
      <summary className="px-3 py-2 capitalize">{category}</summary>
      <div className="flex flex-col gap-1 px-3 pb-3">
        {types
          .filter((one) => one.category === category)
          .map(({ type, description }) => (
            <Choice
              key={type}
              name={type}
              help={description}
              isOn={chosen.has(type)}
              toggle={(isOn) => toggle(type, isOn)}
            />
          ))}
      </div>
    </details>
  ));
}

function Choice({
  name,
  help,
  isOn,
  toggle,
}: {
  name: string;
  help?: string;
  isOn: boolean;
  toggle: (isOn: boolean) => void;
}) {
  return (
    <label className="flex items-start gap-2 py-0.5">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => toggle(event.target.checked)}
        className="mt-1 accent-accent"
      />
      <span>
        {name}
        {help !== undefined && <span className="block text-[13px] text-muted">{help}</span>}
      </span>
    </label>
  );
}
