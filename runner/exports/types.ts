import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBEnumType,
  DuckDBListType,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBVector,
} from '@duckdb/node-api';
import { bitWriter } from './copy/bits.ts';
import type { FieldWriter } from './copy/fields.ts';
import { nestedJsonWriter } from './copy/json.ts';
import { listWriter } from './copy/list.ts';
import * as numbers from './copy/numbers.ts';
import * as numerics from './copy/numeric.ts';
import { bytes, enumWriter, jsonb } from './copy/text.ts';
import * as times from './copy/times.ts';
import { decimalBytes } from './copy/vector.ts';

/** A type of an existing column. `name` is `pg_type.typname` (`enum` for every enum); `digits` is what it keeps after the point. */
export type PostgresType = { name: string; oid: number; digits: number | null; element: PostgresType | null };

/** A type that a DuckDB type can be written into without loss, if it keeps `digits` digits after the point. */
type Candidate = { name: string; writer: FieldWriter; digits?: number };

/** `create` is the SQL type of a column that we make; the candidates are what an existing column may be. */
type Mapping = { create: string; candidates: readonly Candidate[]; array?: ArrayMapping };
type ArrayMapping = { element: Mapping; elementType: DuckDBType; arrayLength: number | null };

/** The SQL type for a new column, or null when Postgres has no form for the type. */
export function createdType(type: DuckDBType): string | null {
  return mappingOf(type)?.create ?? null;
}

/** What writes values of a DuckDB type into a column of a Postgres type, or null when that would lose something. */
export function writerFor(type: DuckDBType, target: PostgresType): FieldWriter | null {
  const mapping = mappingOf(type);
  return mapping ? writerOf(mapping, target) : null;
}

function writerOf(mapping: Mapping, target: PostgresType): FieldWriter | null {
  if (target.element && mapping.array) {
    const { element, elementType, arrayLength } = mapping.array;
    const writer = writerOf(element, target.element);
    return writer && listWriter({ elementType, arrayLength, writer, elementOid: target.element.oid });
  }
  const found = mapping.candidates.find(({ name }) => name === target.name);
  if (!found || (found.digits !== undefined && target.digits !== null && target.digits < found.digits)) return null;
  return found.writer;
}

// The table. Below it only what it is made of.
const mappings: ReadonlyMap<DuckDBTypeId, Mapping> = new Map<DuckDBTypeId, Mapping>([
  [DuckDBTypeId.BOOLEAN, one('boolean', 'bool', numbers.boolean)],
  [DuckDBTypeId.TINYINT, small(numbers.toInt2(numbers.readInt8), numbers.readInt8)],
  [DuckDBTypeId.UTINYINT, small(numbers.toInt2(numbers.readUint8), numbers.readUint8)],
  [DuckDBTypeId.SMALLINT, small(numbers.swapped2, numbers.readInt16)],
  [DuckDBTypeId.USMALLINT, medium(numbers.toInt4(numbers.readUint16), numbers.readUint16)],
  [DuckDBTypeId.INTEGER, medium(numbers.swapped4, numbers.readInt32)],
  [
    DuckDBTypeId.UINTEGER,
    {
      create: 'bigint',
      candidates: [int8(numbers.readUint32), float8(numbers.readUint32), numeric(10, numbers.readUint32)],
    },
  ],
  [
    DuckDBTypeId.BIGINT,
    { create: 'bigint', candidates: [{ name: 'int8', writer: numbers.swapped8 }, numeric(19, numerics.readInt64)] },
  ],
  [DuckDBTypeId.UBIGINT, { create: 'numeric', candidates: [numeric(20, numerics.readUint64)] }],
  [DuckDBTypeId.HUGEINT, { create: 'numeric', candidates: [numeric(39, numerics.readInt128)] }],
  [DuckDBTypeId.UHUGEINT, { create: 'numeric', candidates: [numeric(39, numerics.readUint128)] }],
  [DuckDBTypeId.BIGNUM, one('numeric', 'numeric', bigNumbers())],
  [
    DuckDBTypeId.FLOAT,
    {
      create: 'real',
      candidates: [
        { name: 'float4', writer: numbers.swapped4 },
        { name: 'float8', writer: numbers.floatToFloat8 },
      ],
    },
  ],
  [DuckDBTypeId.DOUBLE, one('double precision', 'float8', numbers.swapped8)],
  [DuckDBTypeId.BLOB, one('bytea', 'bytea', bytes)],
  [DuckDBTypeId.BIT, one('bit varying', 'varbit', bitWriter)],
  [DuckDBTypeId.UUID, one('uuid', 'uuid', numbers.uuid)],
  [
    DuckDBTypeId.DATE,
    {
      create: 'date',
      candidates: [
        { name: 'date', writer: times.date },
        { name: 'timestamp', writer: times.dateToTimestamp },
      ],
    },
  ],
  [DuckDBTypeId.TIME, one('time', 'time', numbers.swapped8, 6)],
  [DuckDBTypeId.TIME_NS, one('time', 'time', times.timeNanoseconds, 6)],
  [DuckDBTypeId.TIME_TZ, one('time with time zone', 'timetz', times.timeWithZone, 6)],
  [DuckDBTypeId.TIMESTAMP, one('timestamp', 'timestamp', times.timestamp, 6)],
  [DuckDBTypeId.TIMESTAMP_S, one('timestamp', 'timestamp', times.timestampSeconds, 0)],
  [DuckDBTypeId.TIMESTAMP_MS, one('timestamp', 'timestamp', times.timestampMilliseconds, 3)],
  [DuckDBTypeId.TIMESTAMP_NS, one('timestamp', 'timestamp', times.timestampNanoseconds, 6)],
  [DuckDBTypeId.TIMESTAMP_TZ, one('timestamp with time zone', 'timestamptz', times.timestamp, 6)],
  [DuckDBTypeId.INTERVAL, one('interval', 'interval', numbers.interval, 6)],
]);

function mappingOf(type: DuckDBType): Mapping | null {
  if (type.typeId === DuckDBTypeId.VARCHAR) return type.alias === 'JSON' ? json : text(bytes);
  if (type instanceof DuckDBEnumType) return text(enumWriter(type));
  if (type instanceof DuckDBDecimalType) return decimal(type);
  if (type instanceof DuckDBListType) return list(type, null);
  if (type instanceof DuckDBArrayType) return list(type, type.length);
  if (nestedTypes.has(type.typeId)) return nested(type);
  return mappings.get(type.typeId) ?? null;
}

const nestedTypes: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.STRUCT,
  DuckDBTypeId.MAP,
  DuckDBTypeId.UNION,
  DuckDBTypeId.VARIANT,
]);

function one(create: string, name: string, writer: FieldWriter, digits?: number): Mapping {
  return { create, candidates: [digits === undefined ? { name, writer } : { name, writer, digits }] };
}

function small(toInt2: FieldWriter, read: numbers.ReadInteger): Mapping {
  const wider = [int4(read), int8(read), float4(read), float8(read), numeric(5, read)];
  return { create: 'smallint', candidates: [{ name: 'int2', writer: toInt2 }, ...wider] };
}

function medium(toInt4: FieldWriter, read: numbers.ReadInteger): Mapping {
  return {
    create: 'integer',
    candidates: [{ name: 'int4', writer: toInt4 }, int8(read), float8(read), numeric(10, read)],
  };
}

function int4(read: numbers.ReadInteger): Candidate {
  return { name: 'int4', writer: numbers.toInt4(read) };
}

function int8(read: numbers.ReadInteger): Candidate {
  return { name: 'int8', writer: numbers.toInt8(read) };
}

function float4(read: numbers.ReadInteger): Candidate {
  return { name: 'float4', writer: numbers.toFloat4(read) };
}

function float8(read: numbers.ReadInteger): Candidate {
  return { name: 'float8', writer: numbers.toFloat8(read) };
}

function numeric(width: number, read: numerics.ReadUnscaled): Candidate {
  return { name: 'numeric', writer: numerics.numericWriter(width, 0, read) };
}

function decimal({ width, scale }: DuckDBDecimalType): Mapping {
  const read = { 2: numbers.readInt16, 4: numbers.readInt32, 8: numerics.readInt64, 16: numerics.readInt128 }[
    decimalBytes(width)
  ];
  return one(`numeric(${width},${scale})`, 'numeric', numerics.numericWriter(width, scale, read), scale);
}

function bigNumbers(): FieldWriter {
  return numerics.bigNumericWriter((vector) => {
    const values = DuckDBVector.create(vector.handle, vector.rows);
    return (row) => values.getItem(row) as bigint;
  });
}

function text(writer: FieldWriter): Mapping {
  return {
    create: 'text',
    candidates: ['text', 'varchar', 'bpchar', 'citext', 'enum'].map((name) => ({ name, writer })),
  };
}

const json: Mapping = {
  create: 'jsonb',
  candidates: [
    { name: 'jsonb', writer: jsonb },
    ...['json', 'text', 'varchar'].map((name) => ({ name, writer: bytes })),
  ],
};

function nested(type: DuckDBType): Mapping {
  const candidates = [
    { name: 'jsonb', writer: nestedJsonWriter(type, true) },
    { name: 'json', writer: nestedJsonWriter(type, false) },
  ];
  return { create: 'jsonb', candidates };
}

/** Of scalars: an array. Of anything nested: jsonb, because Postgres' arrays of arrays must be rectangular. */
function list(type: DuckDBListType | DuckDBArrayType, arrayLength: number | null): Mapping {
  const element = mappingOf(type.valueType);
  const asJson = nested(type);
  if (!element || element.array || nestedTypes.has(type.valueType.typeId)) return asJson;
  return { ...asJson, create: `${element.create}[]`, array: { element, elementType: type.valueType, arrayLength } };
}
