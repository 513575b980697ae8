import { SinkTrouble } from '../contract.ts';

/** A column that a table of events has. */
export interface WantedColumn {
  name: string;
  /** As it is made. */
  type: string;
  /** Every event has something for it. */
  isRequired: boolean;
  /** The types that one may have that is there already. */
  fits: readonly string[];
}

export interface FoundColumn {
  name: string;
  type: string;
  isNullable: boolean;
  hasDefault: boolean;
}

export interface FoundTable {
  /** For people: "mail.posthorn_events". */
  where: string;
  /** None: there is no such table. */
  columns: readonly FoundColumn[];
  /** The columns of each index that keeps a row from standing there twice. */
  uniqueKeys: readonly (readonly string[])[];
}

/** Of the columns name, type, IS_NULLABLE and default of an information schema. */
export function toFoundColumn(row: readonly (string | null)[]): FoundColumn {
  const [name, type, nullable, usual] = row;
  return {
    name: name ?? '',
    type: type ?? '',
    isNullable: nullable !== 'NO',
    hasDefault: usual != null,
  };
}

/**
 * The columns that a table does not have yet. Throws SinkTrouble `schema_conflict`, with the column and
 * the reason, where it cannot take events, or could have one twice.
 */
export function missingColumns(
  wanted: readonly WantedColumn[],
  { where, columns, uniqueKeys }: FoundTable,
): WantedColumn[] {
  if (columns.length === 0) return [...wanted];
  const conflict = (detail: string) => new SinkTrouble('schema_conflict', `${where}: ${detail}`);
  for (const found of columns) {
    const reason = conflictOf(
      wanted.find(({ name }) => name === found.name),
      found,
    );
    if (reason !== null) throw conflict(`the column ${found.name} ${reason}`);
  }
  if (keyOfEvents(uniqueKeys) === null) {
    throw conflict('it needs a primary key or a unique index of id, or of id and timestamp.');
  }
  return wanted.filter(({ name }) => !columns.some((found) => found.name === name));
}

function conflictOf(wanted: WantedColumn | undefined, found: FoundColumn): string | null {
  const isLeftEmpty = wanted === undefined || !wanted.isRequired;
  if (isLeftEmpty && !found.isNullable && !found.hasDefault) {
    return wanted === undefined
      ? 'must not be empty and has no default, and no event brings something for it.'
      : 'must not be empty, and some events bring nothing for it.';
  }
  if (wanted === undefined || wanted.fits.includes(found.type)) return null;
  return `is of the type ${found.type}; it has to be ${wanted.fits.join(' or ')}.`;
}

/** The index that knows an event again: of its id; or with its time, which never changes, for partitions. */
export function keyOfEvents(uniqueKeys: FoundTable['uniqueKeys']): readonly string[] | null {
  const names = uniqueKeys.map((key) => [...key].sort().join());
  const at = ['id', 'id,timestamp'].map((key) => names.indexOf(key)).find((i) => i !== -1);
  return at === undefined ? null : (uniqueKeys[at] ?? null);
}
