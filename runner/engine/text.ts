import { DuckDBTimestampTZValue, DuckDBTimestampValue, type DuckDBValue, timestampTZValue } from '@duckdb/node-api';
import type { Scalar } from '../../controller/expressions/template.ts';

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** What a bound `{{ }}` is for the engine: whole numbers BIGINT, other numbers DOUBLE, instants TIMESTAMPTZ. */
export function toEngineValue(value: Scalar | Date): DuckDBValue {
  if (value instanceof Date) return timestampTZValue(BigInt(value.getTime()) * 1000n);
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

const longestText = 200;

/** A value as a person reads it in a sample: instants in UTC, long texts cut. */
export function sampleText(value: DuckDBValue): string | null {
  if (value === null || value === undefined) return null;
  const text =
    value instanceof DuckDBTimestampTZValue && value.isFinite
      ? `${new DuckDBTimestampValue(value.micros)}+00`
      : String(value);
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}
