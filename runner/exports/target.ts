import type pg from 'pg';
import type { Column } from '../engine/relation.ts';
import { TaskFailure } from '../errors.ts';
import { readTable, schemaExists, type Table, type TableColumn } from './catalogue.ts';
import type { FieldWriter } from './copy/fields.ts';
import { columnNameProblem, quote, type TableName } from './names.ts';
import { inTransaction, lockForCreation } from './transactions.ts';
import { createdType, writerFor } from './types.ts';

export type TargetOptions = {
  table: TableName;
  columns: readonly Column[];
  schemaChange: 'error' | 'add';
  /** A timestamptz column beside those of the rows. */
  tag: string | undefined;
  /** What a table that we make is indexed by: where windows lie, or what a merge looks for. */
  index: { kind: 'window'; column: string } | { kind: 'keys'; columns: readonly string[] } | null;
};

/** The rows' columns in their order, and how each is written into the table. */
export type Target = { columns: readonly { column: Column; writer: FieldWriter }[] };

/**
 * Makes the table fit for the rows: creates schema and table, adds columns where that is allowed. All of it happens in a
 * short transaction before any row, so that many windows of a first run need not wait for each other. Throws
 * `SchemaMismatch` when the rows do not fit.
 */
export async function prepareTarget(client: pg.Client, options: TargetOptions): Promise<Target> {
  const { table, columns } = options;
  refuseNames(options);
  let existing = await readTable(client, table);
  if (!existing || (options.schemaChange === 'add' && missingIn(existing, options).length > 0)) {
    existing = await change(client, options);
  }
  const mismatches = mismatchesOf(existing, options);
  if (mismatches.length > 0) throw mismatch(table, mismatches);
  return {
    columns: columns.flatMap((column) => {
      const writer = writerInto(column, existing);
      return writer ? [{ column, writer }] : [];
    }),
  };
}

function refuseNames({ table, columns, tag }: TargetOptions): void {
  const names = columns.map(({ name }) => name);
  const problems = names.flatMap((name, position) => columnNameProblem(name, position, names) ?? []);
  if (tag !== undefined && names.includes(tag)) {
    problems.push(`write.tag: the rows already have a column "${tag}"; name another, or use write.by`);
  }
  if (columns.length === 0) problems.push('the rows have no columns; select at least one');
  if (problems.length > 0) throw mismatch(table, problems);
}

async function change(client: pg.Client, options: TargetOptions): Promise<Table> {
  const { table } = options;
  return inTransaction(client, async () => {
    await lockForCreation(client, table.schema);
    const found = await readTable(client, table);
    if (!found) await create(client, options);
    else
      for (const column of missingIn(found, options))
        await client.query(`alter table ${table.quoted} add column ${column}`);
    const made = await readTable(client, table);
    if (!made) throw new TypeError(`table ${table.quoted} is not there after its creation`);
    return made;
  });
}

async function create(client: pg.Client, options: TargetOptions): Promise<void> {
  const { table } = options;
  if (!(await schemaExists(client, table.schema))) await client.query(`create schema ${quote(table.schema)}`);
  await client.query(
    `create table ${table.quoted} (${definitions(options)
      .map(({ sql }) => sql)
      .join(', ')})`,
  );
  const index = indexSql(options);
  if (index) await client.query(index);
}

/**
 * Deleting a window would read the whole table without an index. BRIN, because rows of a window lie together: measured on
 * 1.4M rows it costs a COPY under 5%, a b-tree half of its time and 400 times the space.
 */
function indexSql({ table, index }: TargetOptions): string | null {
  if (!index) return null;
  if (index.kind === 'keys') return `create unique index on ${table.quoted} (${index.columns.map(quote).join(', ')})`;
  return `create index on ${table.quoted} using brin (${quote(index.column)}) with (autosummarize = on)`;
}

/** Definitions of the columns that the table lacks. */
function missingIn(existing: Table, options: TargetOptions): string[] {
  const names = new Set(existing.columns.map(({ name }) => name));
  return definitions(options).flatMap(({ name, sql }) => (names.has(name) ? [] : [sql]));
}

function definitions({ table, columns, tag }: TargetOptions): { name: string; sql: string }[] {
  const made = columns.map(({ name, type, duckdbType }) => {
    const declared = createdType(duckdbType);
    if (declared === null)
      throw mismatch(table, [`column "${name}" is ${type}, for which Postgres has no type; cast it in SQL`]);
    return { name, sql: `${quote(name)} ${declared}` };
  });
  return tag === undefined ? made : [...made, { name: tag, sql: `${quote(tag)} timestamp with time zone` }];
}

function mismatchesOf(existing: Table, options: TargetOptions): string[] {
  if (!/^[rp]$/.test(existing.kind)) return ['it is no table but a view or foreign table; name a table'];
  const names = new Set([
    ...options.columns.map(({ name }) => name),
    ...(options.tag === undefined ? [] : [options.tag]),
  ]);
  const unfilled = existing.columns.filter(
    ({ name, nullable, hasDefault, generated }) => !names.has(name) && !nullable && !hasDefault && !generated,
  );
  return [
    ...options.columns.flatMap((column) => columnMismatch(column, existing) ?? []),
    ...(tagMismatch(options.tag, existing) ?? []),
    ...unfilled.map(
      ({ name }) => `column "${name}" may not be null, has no default and is not among the rows; add it to them`,
    ),
  ];
}

function columnMismatch(column: Column, existing: Table): string | null {
  const { name, type } = column;
  const found = columnOf(existing, name);
  if (!found) return `it lacks the column "${name}" (${type}); add it, or set schemaChange: add`;
  if (found.generated) return `column "${name}" is generated by the table; leave it out of the rows`;
  if (writerInto(column, existing)) return null;
  return `column "${name}" is ${found.declared} in the table and ${type} in the rows, which cannot be written without loss; cast it in SQL, or change the table`;
}

function tagMismatch(tag: string | undefined, existing: Table): string[] {
  if (tag === undefined) return [];
  const found = columnOf(existing, tag);
  if (!found) return [`it lacks the column "${tag}" of write.tag; add it as timestamptz, or set schemaChange: add`];
  if (found.type.name === 'timestamptz' && !found.generated) return [];
  return [`column "${tag}" of write.tag is ${found.declared}; it must be timestamp with time zone`];
}

function writerInto(column: Column, existing: Table): FieldWriter | null {
  const found = columnOf(existing, column.name);
  return found ? writerFor(column.duckdbType, found.type) : null;
}

function columnOf(existing: Table, name: string): TableColumn | undefined {
  return existing.columns.find((column) => column.name === name);
}

function mismatch(table: TableName, problems: readonly string[]): TaskFailure {
  return new TaskFailure('SchemaMismatch', `table ${table.quoted}: ${problems.join('; ')}`);
}
