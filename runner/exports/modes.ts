import type pg from 'pg';
import { TaskFailure } from '../errors.ts';
import { quote, type TableName } from './names.ts';
import { lockByName } from './transactions.ts';

/** What a write mode does within the data transaction, around the COPY. */
export type Mode = {
  /** Locks, and takes away what the rows replace. Returns the table to copy into, quoted. */
  before(): Promise<string>;
  /** Brings the rows from there into the table, if it was another. */
  after(): Promise<void>;
};

export type ModeOptions = {
  client: pg.Client;
  table: TableName;
  columns: readonly string[];
  log: (line: string) => void;
};

const nothing = async (): Promise<void> => {};

export function append({ table }: ModeOptions): Mode {
  return { before: async () => table.quoted, after: nothing };
}

/**
 * All rows go, the table stays: its identity, grants, indexes and whoever refers to it. DELETE, not TRUNCATE: readers see the
 * old rows until the commit and are never blocked (TRUNCATE shuts them out for as long as the load takes, and shows
 * older snapshots an empty table). Its price is the space of the old rows until the next vacuum. The lock keeps other
 * writers out, whose rows would otherwise survive the replacement.
 */
export function replace({ client, table }: ModeOptions): Mode {
  return {
    after: nothing,
    async before() {
      await client.query(`lock table ${table.quoted} in share row exclusive mode`);
      await client.query(`delete from ${table.quoted}`);
      return table.quoted;
    },
  };
}

/** `where` finds the window's rows. `slice` names the window: two writers of one would otherwise not see each other's rows. */
export type WindowOptions = ModeOptions & { where: { sql: string; parameters: string[] }; slice: string };

/** Only the window is locked, and only against other exports: different windows are written at the same time. */
export function replaceWindow({ client, table, where, slice, log }: WindowOptions): Mode {
  return {
    after: nothing,
    async before() {
      const onWait = () => log(`another export is writing window ${slice} of ${table.quoted}; waiting for it`);
      await lockByName(client, `window ${slice} of ${table.quoted}`, onWait);
      await client.query(`delete from ${table.quoted} where ${where.sql}`, where.parameters);
      return table.quoted;
    },
  };
}

/** In `pg_temp`, which is of this session alone. */
const staged = 'pg_temp.pipewright_rows';

/**
 * The rows are staged and then update what has their keys, or are inserted. No unique constraint is asked of the table
 * (INSERT … ON CONFLICT would need one): the lock on it does that, taken only when all rows have arrived.
 */
export function merge({ client, table, columns, keys }: ModeOptions & { keys: readonly string[] }): Mode {
  const quoted = columns.map(quote);
  const same = keys.map((key) => `t.${quote(key)} = r.${quote(key)}`).join(' and ');
  const changed = columns.filter((column) => !keys.includes(column)).map(quote);
  return {
    async before() {
      await client.query(
        `create temp table pipewright_rows on commit drop as select ${quoted.join(', ')} from ${table.quoted} with no data`,
      );
      return staged;
    },
    async after() {
      await refuseBadKeys(client, table, keys);
      await client.query(`analyze ${staged}`);
      await client.query(`lock table ${table.quoted} in share row exclusive mode`);
      if (changed.length > 0) {
        const sets = changed.map((column) => `${column} = r.${column}`).join(', ');
        await client.query(`update ${table.quoted} t set ${sets} from ${staged} r where ${same}`);
      }
      await client.query(
        `insert into ${table.quoted} (${quoted.join(', ')}) overriding system value
         select ${quoted.join(', ')} from ${staged} r where not exists (select from ${table.quoted} t where ${same})`,
      );
    },
  };
}

async function refuseBadKeys(client: pg.Client, table: TableName, keys: readonly string[]): Promise<void> {
  const names = keys.map(quote).join(', ');
  const empty = await client.query(
    `select from ${staged} where ${keys.map((key) => `${quote(key)} is null`).join(' or ')} limit 1`,
  );
  if (empty.rowCount === 1) {
    throw badKeys(
      table,
      `a row has a null in ${names}, so nothing tells which row of the table it is; leave such rows out in SQL`,
    );
  }
  const repeated = await client.query<{ key: string }>(
    `select to_json(k)::text as key from (select ${names} from ${staged} group by ${names} having count(*) > 1 limit 1) k`,
  );
  const key = repeated.rows[0]?.key;
  if (key !== undefined) throw badKeys(table, `several rows have the keys ${key}; keep one of them in SQL`);
}

function badKeys(table: TableName, text: string): TaskFailure {
  return new TaskFailure('InvalidInput', `table ${table.quoted}: write.keys: ${text}`);
}
