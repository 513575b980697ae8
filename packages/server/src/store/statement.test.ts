import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DummyDriver, Kysely, SqliteAdapter, SqliteQueryCompiler } from 'kysely';
import { createInsertion, toStatement } from './statement.ts';
import type { MessageBodiesTable, Tables } from './tables.ts';

const db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: () => assert.fail('nobody asks'),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});
const compile = (row: MessageBodiesTable) => db.insertInto('message_bodies').values(row);
const row = (id: string): MessageBodiesTable => ({
  project_id: 'prj_1',
  message_id: id,
  raw: Buffer.from(id),
  retain_until: 7,
});

test('a row is inserted by the statement of the first one, with values of its own', () => {
  let compiled = 0;
  const insert = createInsertion((one: MessageBodiesTable) => {
    compiled += 1;
    return compile(one);
  });
  for (const id of ['a', 'b']) assert.deepEqual(insert(row(id)), toStatement(compile(row(id)), 1));
  const { retain_until, ...rest } = row('c');
  assert.deepEqual(insert({ retain_until, ...rest }), toStatement(compile(row('c')), 1));
  assert.equal(compiled, 1);
});
