import type pg from 'pg';
import { readTable, schemaExists } from './catalogue.ts';
import { quote, type TableName } from './names.ts';
import { inTransaction, lockForCreation } from './transactions.ts';

const about = 'Which run of Pipewright has written what; keeps a process that comes back late from writing again';

/** Makes schema and table where they are missing; safe when several do it at once. */
export async function createFenceTable(client: pg.Client, fence: TableName): Promise<void> {
  if (await readTable(client, fence)) return;
  await inTransaction(client, async () => {
    await lockForCreation(client, fence.schema);
    if (!(await schemaExists(client, fence.schema))) await client.query(`create schema ${quote(fence.schema)}`);
    await client.query(`create table if not exists ${fence.quoted} (
      ledger_id text not null,
      pipeline text not null,
      block text not null,
      target text not null,
      slice text not null,
      run_no integer not null,
      run_id bigint not null,
      attempt integer not null,
      run_name text not null,
      token uuid not null,
      claimed_at timestamptz not null default now(),
      backend_pid integer,
      backend_start timestamptz,
      committed_run_id bigint,
      committed_attempt integer,
      committed_at timestamptz,
      rows bigint,
      bytes bigint,
      primary key (ledger_id, pipeline, block, target, slice)
    )`);
    await client.query(`comment on table ${fence.quoted} is ${`'${about}'`}`);
  });
}
