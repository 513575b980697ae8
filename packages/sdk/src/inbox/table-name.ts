/** Table names stand in the text of statements, so nothing else may pass. */
export function checkTableName(table: string): void {
  if (/^[a-z_][a-z0-9_]{0,40}$/.test(table)) return;
  throw new TypeError(
    `"${table}" cannot be a table: give small letters, digits and _, at most 41 of them.`,
  );
}

/** Statements are written with `inbox` and `replays`; these are the tables that they mean. */
export function named(text: string, table: string): string {
  return text.replace(/\b(inbox|replays)/g, (name) =>
    name === 'inbox' ? table : `${table}_replays`,
  );
}
