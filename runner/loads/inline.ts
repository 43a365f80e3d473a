import { BIGINT, BOOLEAN, DOUBLE, type DuckDBType, type DuckDBValue, VARCHAR } from '@duckdb/node-api';
import type { Scalar } from '../../controller/expressions/template.ts';
import type { Column } from '../engine/relation.ts';
import { quoteIdentifier } from '../engine/text.ts';
import { TaskFailure } from '../errors.ts';
import type { LoadContext, LoadSource } from './load.ts';
import { createTable } from './table.ts';

/**
 * Rows written in the manifest, their templates rendered. A column of whole numbers is BIGINT, of numbers DOUBLE, of booleans
 * BOOLEAN, any other VARCHAR. A value that is left out is null.
 */
export async function openInlineLoad(
  { block, engine }: LoadContext,
  rows: readonly Readonly<Record<string, Scalar>>[],
): Promise<LoadSource> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name): Column => {
    const duckdbType = typeOf(
      name,
      rows.map((row) => row[name] ?? null),
    );
    return { name, type: String(duckdbType), duckdbType };
  });
  await createTable(engine, block, columns);
  await engine.append(
    block,
    columns,
    rows.map((row) => columns.map(({ name, duckdbType }) => engineValue(row[name] ?? null, duckdbType))),
  );
  return { columns, query: `from stored.${quoteIdentifier(block)}`, counts: { rows: rows.length, bytes: null } };
}

function typeOf(name: string, values: readonly Scalar[]): DuckDBType {
  const present = values.filter((value) => value !== null);
  const kinds = [...new Set(present.map((value) => typeof value))].sort();
  if (kinds.length > 1) {
    const wayOut = 'give all rows the same kind of value, for instance by quoting the numbers';
    throw new TaskFailure('InvalidInput', `column "${name}" holds both ${kinds.join(' and ')}; ${wayOut}`);
  }
  if (kinds[0] === 'boolean') return BOOLEAN;
  if (kinds[0] === 'number') return present.every(Number.isSafeInteger) ? BIGINT : DOUBLE;
  return VARCHAR;
}

function engineValue(value: Scalar, type: DuckDBType): DuckDBValue {
  return type === BIGINT && typeof value === 'number' ? BigInt(value) : value;
}
