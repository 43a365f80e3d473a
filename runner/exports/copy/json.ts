import {
  DuckDBArrayType,
  DuckDBArrayValue,
  DuckDBDecimalValue,
  DuckDBListType,
  DuckDBListValue,
  DuckDBMapType,
  DuckDBMapValue,
  DuckDBStructType,
  DuckDBStructValue,
  type DuckDBType,
  DuckDBUnionType,
  DuckDBUnionValue,
  type DuckDBValue,
  DuckDBVariantValue,
  DuckDBVector,
} from '@duckdb/node-api';
import { bytesWriter, type FieldWriter } from './fields.ts';

/** STRUCT, MAP, UNION, VARIANT and lists of them → jsonb (with its version byte) or json. The slow path: an object a value. */
export function nestedJsonWriter(type: DuckDBType, binary: boolean): FieldWriter {
  return bytesWriter((vector) => {
    const values = DuckDBVector.create(vector.handle, vector.rows, type);
    return (row) => Buffer.from((binary ? '\u0001' : '') + jsonText(values.getItem(row), type));
  });
}

/** JSON of a value: numbers of any size exactly, objects for STRUCT, MAP and UNION, text for what JSON has no form for. */
function jsonText(value: DuckDBValue, type: DuckDBType | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : JSON.stringify(String(value));
  if (typeof value === 'string') return type?.alias === 'JSON' ? value : JSON.stringify(value);
  if (value instanceof DuckDBDecimalValue) return String(value);
  return compositeText(value, type) ?? JSON.stringify(String(value));
}

function compositeText(value: DuckDBValue, type: DuckDBType | undefined): string | null {
  if (value instanceof DuckDBListValue)
    return listText(value.items, type instanceof DuckDBListType ? type.valueType : undefined);
  if (value instanceof DuckDBArrayValue)
    return listText(value.items, type instanceof DuckDBArrayType ? type.valueType : undefined);
  if (value instanceof DuckDBStructValue) {
    const entries = Object.entries(value.entries);
    return objectText(entries, (name) => (type instanceof DuckDBStructType ? type.typeForEntry(name) : undefined));
  }
  if (value instanceof DuckDBMapValue) {
    const entries = value.entries.map((entry) => [String(entry.key), entry.value] as const);
    return objectText(entries, () => (type instanceof DuckDBMapType ? type.valueType : undefined));
  }
  if (value instanceof DuckDBUnionValue) {
    return jsonText(value.value, type instanceof DuckDBUnionType ? type.memberTypeForTag(value.tag) : undefined);
  }
  return value instanceof DuckDBVariantValue ? jsonText(value.value, value.type) : null;
}

function listText(items: readonly DuckDBValue[], type: DuckDBType | undefined): string {
  return `[${items.map((item) => jsonText(item, type)).join(',')}]`;
}

function objectText(
  entries: (readonly [string, DuckDBValue])[],
  typeOf: (name: string) => DuckDBType | undefined,
): string {
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value, typeOf(name))}`).join(',')}}`;
}
