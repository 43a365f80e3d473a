import { expect, test } from 'vitest';
import { useWarehouse } from './warehouse.ts';

const warehouse = useWarehouse();

/** Values as DuckDB literals with what Postgres then shows of them, and the type of the column that is made. */
const cases: [title: string, declared: string, values: [duckdb: string, postgres: string | null][]][] = [
  [
    'BOOLEAN',
    'boolean',
    [
      ['true', 'true'],
      ['false', 'false'],
    ],
  ],
  [
    'TINYINT',
    'smallint',
    [
      ['-128', '-128'],
      ['127', '127'],
    ],
  ],
  [
    'UTINYINT',
    'smallint',
    [
      ['0', '0'],
      ['255', '255'],
    ],
  ],
  [
    'SMALLINT',
    'smallint',
    [
      ['-32768', '-32768'],
      ['32767', '32767'],
    ],
  ],
  ['USMALLINT', 'integer', [['65535', '65535']]],
  [
    'INTEGER',
    'integer',
    [
      ['-2147483648', '-2147483648'],
      ['2147483647', '2147483647'],
    ],
  ],
  [
    'UINTEGER',
    'bigint',
    [
      ['4294967295', '4294967295'],
      ['5', '5'],
    ],
  ],
  [
    'BIGINT',
    'bigint',
    [
      ['-9223372036854775808', '-9223372036854775808'],
      ['9223372036854775807', '9223372036854775807'],
    ],
  ],
  [
    'UBIGINT',
    'numeric',
    [
      ['18446744073709551615', '18446744073709551615'],
      ['0', '0'],
      ['10000', '10000'],
    ],
  ],
  [
    'HUGEINT',
    'numeric',
    [
      ['-170141183460469231731687303715884105728', '-170141183460469231731687303715884105728'],
      ['170141183460469231731687303715884105727', '170141183460469231731687303715884105727'],
      ['-1', '-1'],
      ['12345678901234', '12345678901234'],
    ],
  ],
  ['UHUGEINT', 'numeric', [['340282366920938463463374607431768211455', '340282366920938463463374607431768211455']]],
  [
    'BIGNUM',
    'numeric',
    [
      ["'123456789012345678901234567890123456789012345'", '123456789012345678901234567890123456789012345'],
      ['-10000', '-10000'],
      ['0', '0'],
    ],
  ],
  [
    'FLOAT',
    'real',
    [
      ['1.5', '1.5'],
      ["'NaN'", 'NaN'],
      ["'-inf'", '-Infinity'],
      ['0.1', '0.1'],
    ],
  ],
  [
    'DOUBLE',
    'double precision',
    [
      ['0.1', '0.1'],
      ["'NaN'", 'NaN'],
      ["'inf'", 'Infinity'],
      ["'-inf'", '-Infinity'],
      ["'-0.0'", '-0'],
      ['1.7976931348623157e308', '1.7976931348623157e+308'],
      ['5e-324', '5e-324'],
    ],
  ],
  [
    'DECIMAL(4,2)',
    'numeric(4,2)',
    [
      ['-99.99', '-99.99'],
      ['0', '0.00'],
      ['0.01', '0.01'],
    ],
  ],
  [
    'DECIMAL(9,0)',
    'numeric(9,0)',
    [
      ['-999999999', '-999999999'],
      ['10000', '10000'],
    ],
  ],
  [
    'DECIMAL(18,3)',
    'numeric(18,3)',
    [
      ['-999999999999999.999', '-999999999999999.999'],
      ['12.5', '12.500'],
      ['9007199254740.991', '9007199254740.991'],
      ['-9007199254740.992', '-9007199254740.992'],
      ['9007199254741.1', '9007199254741.100'],
    ],
  ],
  [
    'DECIMAL(18,18)',
    'numeric(18,18)',
    [
      ['0.123456789012345678', '0.123456789012345678'],
      ['-0.000000000000000001', '-0.000000000000000001'],
    ],
  ],
  [
    'DECIMAL(38,10)',
    'numeric(38,10)',
    [
      ['-9999999999999999999999999999.9999999999', '-9999999999999999999999999999.9999999999'],
      ['1.5', '1.5000000000'],
      ['-1.5', '-1.5000000000'],
      ['4294967296.0000000001', '4294967296.0000000001'],
    ],
  ],
  [
    'VARCHAR',
    'text',
    [
      ["''", ''],
      ["'twelve bytes'", 'twelve bytes'],
      ["'thirteen byte'", 'thirteen byte'],
      ["'ünï→😀 cödé'", 'ünï→😀 cödé'],
      ["repeat('ä😀', 500)", 'ä😀'.repeat(500)],
      ['\'"quoted"\\,\' || chr(10)', '"quoted"\\,\n'],
    ],
  ],
  [
    "ENUM('a', 'grüße', '')",
    'text',
    [
      ["'grüße'", 'grüße'],
      ["''", ''],
      ["'a'", 'a'],
    ],
  ],
  [
    'BLOB',
    'bytea',
    [
      ["''::BLOB", '\\x'],
      ["'\\x00\\xFF'::BLOB", '\\x00ff'],
      ["repeat('a', 20)::BLOB", `\\x${'61'.repeat(20)}`],
    ],
  ],
  [
    'BIT',
    'bit varying',
    [
      ["'0101100111'", '0101100111'],
      ["'1'", '1'],
      ["'00000000'", '00000000'],
    ],
  ],
  [
    'UUID',
    'uuid',
    [
      ["'00000000-0000-0000-0000-000000000000'", '00000000-0000-0000-0000-000000000000'],
      ["'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'", 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
      ["'7fffffff-ffff-ffff-ffff-ffffffffffff'", '7fffffff-ffff-ffff-ffff-ffffffffffff'],
    ],
  ],
  [
    'DATE',
    'date',
    [
      ["'2019-01-31'", '2019-01-31'],
      ["'1969-12-31'", '1969-12-31'],
      ["'0044-03-15 (BC)'", '0044-03-15 BC'],
      ["'infinity'", 'infinity'],
      ["'-infinity'", '-infinity'],
      ["'5874897-12-31'", '5874897-12-31'],
    ],
  ],
  [
    'TIME',
    'time without time zone',
    [
      ["'00:00:00'", '00:00:00'],
      ["'23:59:59.999999'", '23:59:59.999999'],
      ["'24:00:00'", '24:00:00'],
    ],
  ],
  ['TIME_NS', 'time without time zone', [["'23:59:59.123456'", '23:59:59.123456']]],
  [
    'TIMETZ',
    'time with time zone',
    [
      ["'12:34:56+05:30'", '12:34:56+05:30'],
      ["'12:34:56.7-11'", '12:34:56.7-11'],
      ["'23:59:59.999999+00'", '23:59:59.999999+00'],
    ],
  ],
  [
    'TIMESTAMP',
    'timestamp without time zone',
    [
      ["'2019-01-15 03:36:12'", '2019-01-15 03:36:12'],
      ["'2000-01-01'", '2000-01-01 00:00:00'],
      ["'1999-12-31 23:59:59.999999'", '1999-12-31 23:59:59.999999'],
      ["'1969-12-31 23:59:59.5'", '1969-12-31 23:59:59.5'],
      ["'0044-03-15 (BC) 12:00:00'", '0044-03-15 12:00:00 BC'],
      ["'infinity'", 'infinity'],
      ["'-infinity'", '-infinity'],
      ["'294246-12-31'", '294246-12-31 00:00:00'],
    ],
  ],
  [
    'TIMESTAMP_S',
    'timestamp without time zone',
    [
      ["'1969-12-31 23:59:59'", '1969-12-31 23:59:59'],
      ["'infinity'", 'infinity'],
    ],
  ],
  [
    'TIMESTAMP_MS',
    'timestamp without time zone',
    [
      ["'2019-01-15 03:36:12.345'", '2019-01-15 03:36:12.345'],
      ["'-infinity'", '-infinity'],
    ],
  ],
  ['TIMESTAMP_NS', 'timestamp without time zone', [["'2019-01-15 03:36:12.345678'", '2019-01-15 03:36:12.345678']]],
  [
    'TIMESTAMPTZ',
    'timestamp with time zone',
    [
      ["'2019-01-15 03:36:12+01'", '2019-01-15 02:36:12+00'],
      ["'infinity'", 'infinity'],
    ],
  ],
  [
    'INTERVAL',
    'interval',
    [
      ["'1 year 2 months -3 days'", '1 year 2 mons -3 days'],
      ["'25:00:00.5'", '25:00:00.5'],
      ["'-1 microseconds'", '-00:00:00.000001'],
    ],
  ],
  [
    'JSON',
    'jsonb',
    [
      ['\'{"a": [1, null, "x"]}\'', '{"a": [1, null, "x"]}'],
      ["'12345678901234567890.5'", '12345678901234567890.5'],
    ],
  ],
  [
    'INTEGER[]',
    'integer[]',
    [
      ['[1, NULL, 3]', '{1,NULL,3}'],
      ['[]', '{}'],
      ['[-1]', '{-1}'],
    ],
  ],
  [
    'VARCHAR[]',
    'text[]',
    [["['a', '', 'a string longer than twelve', NULL]", '{a,"","a string longer than twelve",NULL}']],
  ],
  ['DECIMAL(10,2)[]', 'numeric(10,2)[]', [['[1.5, -2]', '{1.50,-2.00}']]],
  [
    'TIMESTAMP[3]',
    'timestamp without time zone[]',
    [["['2019-01-01', NULL, '2020-01-01']", '{"2019-01-01 00:00:00",NULL,"2020-01-01 00:00:00"}']],
  ],
  ['INTEGER[][]', 'jsonb', [['[[1], [], [2, 3], NULL]', '[[1], [], [2, 3], null]']]],
  [
    'STRUCT(a BIGINT, b VARCHAR, c DECIMAL(5,2), d JSON)',
    'jsonb',
    [
      [
        "{'a': 9007199254740993, 'b': 'x\"y', 'c': 1.5, 'd': '[1]'}",
        '{"a": 9007199254740993, "b": "x\\"y", "c": 1.50, "d": [1]}',
      ],
      ["{'a': NULL, 'b': NULL, 'c': NULL, 'd': NULL}", '{"a": null, "b": null, "c": null, "d": null}'],
    ],
  ],
  [
    'MAP(VARCHAR, DATE)',
    'jsonb',
    [
      ["MAP {'k': DATE '2019-01-01'}", '{"k": "2019-01-01"}'],
      ['MAP {}', '{}'],
    ],
  ],
  [
    'UNION(n INTEGER, s VARCHAR)',
    'jsonb',
    [
      ["union_value(s := 'x')", '"x"'],
      ['union_value(n := 2)', '2'],
    ],
  ],
  ['STRUCT(f DOUBLE)[]', 'jsonb', [["[{'f': 'NaN'::DOUBLE}, {'f': 0.5}]", '[{"f": "NaN"}, {"f": 0.5}]']]],
];

test.each(cases)('%s becomes %s, value by value and null by null', async (type, declared, values) => {
  const table = `types."${type.replaceAll(/["']/g, '').slice(0, 40)}"`;
  const all: [string, string | null][] = [...values, ['NULL', null]];
  const rows = all
    .map(([literal], place) => `select ${place} as place, (${literal})::${type} as value`)
    .join(' union all ');
  await warehouse.export({ table: table.replaceAll('"', ''), rows, write: { mode: 'replace' } });
  expect(await warehouse.query(`select value::text from ${table} order by place`)).toEqual(
    all.map(([, value]) => ({ value })),
  );
  const made = await warehouse.query(
    `select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = '${table}'::regclass and attname = 'value'`,
  );
  expect(made).toEqual([{ type: declared }]);
});
