import type { FieldDef } from 'pg';

/** The engine's type for a column of a Postgres result, and how its text becomes a value of it. */
export type ColumnMapping = { readonly type: string; readonly cast: (text: string) => string };

// By the OIDs of pg_type, which never change.
const types: Readonly<Record<number, string>> = {
  16: 'BOOLEAN',
  20: 'BIGINT',
  21: 'SMALLINT',
  23: 'INTEGER',
  26: 'BIGINT',
  114: 'JSON',
  700: 'FLOAT',
  701: 'DOUBLE',
  1082: 'DATE',
  1083: 'TIME',
  1114: 'TIMESTAMP',
  1184: 'TIMESTAMP WITH TIME ZONE',
  1186: 'INTERVAL',
  2950: 'UUID',
  3802: 'JSON',
};
const bytea = 17;
const numeric = 1700;

/** Types without a counterpart (arrays, enums, ranges, …) stay the text that Postgres writes. */
export function mapField({ dataTypeID, dataTypeModifier }: FieldDef): ColumnMapping {
  if (dataTypeID === bytea) return { type: 'BLOB', cast: (text) => `unhex(substr(${text}, 3))` };
  const type = dataTypeID === numeric ? decimalType(dataTypeModifier) : (types[dataTypeID] ?? 'VARCHAR');
  return { type, cast: (text) => `cast(${text} as ${type})` };
}

/** A numeric without precision, or with more than the engine's 38 digits, becomes DOUBLE: there is no exact type for it. */
function decimalType(modifier: number): string {
  const width = ((modifier - 4) >> 16) & 0xffff;
  const scale = (modifier - 4) & 0x7ff;
  return modifier >= 4 && width <= 38 && scale <= width ? `DECIMAL(${width},${scale})` : 'DOUBLE';
}
