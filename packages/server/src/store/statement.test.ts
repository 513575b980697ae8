import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DummyDriver, Kysely, SqliteAdapter, SqliteQueryCompiler } from 'kysely';
import { createRowWrite, toStatement } from './statement.ts';
import type { MessageBodiesTable, Tables } from './tables.ts';

const db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: () => assert.fail('nobody asks'),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});
const insertion = (row: MessageBodiesTable) => db.insertInto('message_bodies').values(row);
const change = (row: MessageBodiesTable) =>
  db
    .updateTable('message_bodies')
    .set({ retain_until: row.retain_until, raw: Buffer.from('the same') })
    .where('message_id', '=', row.message_id)
    .where('project_id', '=', row.project_id);
const row = (id: string): MessageBodiesTable => ({
  project_id: 'prj_1',
  message_id: id,
  raw: Buffer.from(id),
  retain_until: 7,
});

for (const [what, write] of [
  ['inserted', insertion],
  ['changed', change],
] as const) {
  test(`a row is ${what} by the statement of the first one, with values of its own`, () => {
    let compiled = 0;
    const toWrite = createRowWrite((one: MessageBodiesTable) => {
      compiled += 1;
      return write(one);
    });
    for (const id of ['a', 'b']) assert.deepEqual(toWrite(row(id)), toStatement(write(row(id)), 1));
    const { retain_until, ...rest } = row('c');
    assert.deepEqual(toWrite({ retain_until, ...rest }), toStatement(write(row('c')), 1));
    assert.equal(compiled, 1);
  });
}
