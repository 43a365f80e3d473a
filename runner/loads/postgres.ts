import { VARCHAR } from '@duckdb/node-api';
import type pg from 'pg';
import { destroy, type PostgresConnection } from '../connections/postgres.ts';
import { statement } from '../engine/statement.ts';
import { quoteIdentifier } from '../engine/text.ts';
import { messageOf, TaskFailure } from '../errors.ts';
import { type BoundSql, lineAndColumn } from '../transforms/sql-source.ts';
import type { LoadContext, LoadSource } from './load.ts';
import { type ColumnMapping, mapField } from './postgres-types.ts';
import { createTable } from './table.ts';

/** Dates, intervals and bytes in the forms that the engine reads. */
const begin = `begin read only; set local datestyle = 'ISO'; set local intervalstyle = 'postgres';
  set local bytea_output = 'hex'; set local timezone = 'UTC'`;
const declare = 'declare pipewright no scroll cursor for ';

/** Texts of about this many bytes are held at a time; at most so many rows. */
const bytesPerFetch = 4_000_000;
const rowsPerFetch = 10_000;

/**
 * Rows of a query, read by a cursor in a read-only transaction into a table of the engine, which spills what does not fit into
 * its memory. Throws `ConnectionFailed` or `LoadFailed`.
 */
export async function openPostgresLoad(
  context: LoadContext,
  connection: PostgresConnection,
  query: BoundSql,
): Promise<LoadSource> {
  const { block, engine, signal } = context;
  const client = await connection.client();
  const cutOff = () => destroy(client);
  signal.addEventListener('abort', cutOff);
  try {
    await client.query(begin);
    await client.query(declare + query.sql, [...query.parameters]);
    const { fields } = await fetchRows(client, 0);
    const mappings = fields.map(mapField);
    const columns = fields.map(({ name }, index) => ({ name, type: mappings[index]?.type ?? 'VARCHAR' }));
    await createTable(engine, block, columns);
    const rows = await copyRows(context, client, mappings);
    const source = statement(`from stored.${quoteIdentifier(block)}`);
    return { columns: await engine.columnsOf(source), query: source.sql, counts: { rows, bytes: null } };
  } catch (error) {
    signal.throwIfAborted();
    throw loadFailure(error, query);
  } finally {
    signal.removeEventListener('abort', cutOff);
    cutOff();
  }
}

/** Each batch goes as text into a table of texts, from which the engine makes values: it is far faster at that than JavaScript. */
async function copyRows(
  { block, engine }: LoadContext,
  client: pg.Client,
  mappings: readonly ColumnMapping[],
): Promise<number> {
  const staging = `${block} text`;
  const texts = mappings.map((_, index) => ({ name: `c${index}`, type: 'VARCHAR', duckdbType: VARCHAR }));
  const casts = mappings.map(({ cast }, index) => cast(`c${index}`)).join(', ');
  await createTable(engine, staging, texts);
  const [from, into] = [quoteIdentifier(staging), quoteIdentifier(block)];
  let count = 0;
  for (let wanted = 100; ; ) {
    const { rows } = await fetchRows(client, wanted);
    await engine.append(staging, texts, rows);
    await engine.run(statement(`insert into stored.${into} select ${casts} from stored.${from}`));
    count += rows.length;
    if (rows.length < wanted) break;
    await engine.run(statement(`truncate stored.${from}`));
    wanted = nextFetch(rows);
  }
  await engine.run(statement(`drop table stored.${from}`));
  return count;
}

function nextFetch(rows: readonly (readonly (string | null)[])[]): number {
  const bytes = rows.flat().reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return Math.max(1, Math.min(rowsPerFetch, Math.floor((bytesPerFetch * rows.length) / Math.max(bytes, 1))));
}

async function fetchRows(client: pg.Client, count: number): Promise<pg.QueryArrayResult<(string | null)[]>> {
  return client.query({
    text: `fetch ${count} from pipewright`,
    rowMode: 'array',
    types: { getTypeParser: () => (text: string) => text },
  });
}

function loadFailure(error: unknown, query: BoundSql): TaskFailure {
  if (error instanceof TaskFailure) return error;
  const position = error instanceof Error && 'position' in error ? Number(error.position) - 1 - declare.length : -1;
  if (position < 0) return new TaskFailure('LoadFailed', `the query failed: ${messageOf(error)}`, {}, error);
  const { line, column } = lineAndColumn(query.sql, position);
  const { hint, ...place } = query.locate(line, column);
  const message = `the query failed: ${messageOf(error)}${hint ? ` (${hint})` : ''}`;
  return new TaskFailure('LoadFailed', message, place, error);
}
