import type { Ground } from './ground.ts';

/** Columns of the trips in Postgres, in their order. */
export const tripTypes: readonly (readonly [name: string, type: string])[] = [
  ['VendorID', 'smallint'],
  ['tpep_pickup_datetime', 'timestamp without time zone'],
  ['tpep_dropoff_datetime', 'timestamp without time zone'],
  ['passenger_count', 'smallint'],
  ['trip_distance', 'double precision'],
  ['RatecodeID', 'smallint'],
  ['store_and_fwd_flag', 'text'],
  ['PULocationID', 'smallint'],
  ['DOLocationID', 'smallint'],
  ['payment_type', 'smallint'],
  ['fare_amount', 'double precision'],
  ['extra', 'double precision'],
  ['mta_tax', 'double precision'],
  ['tip_amount', 'double precision'],
  ['tolls_amount', 'double precision'],
  ['improvement_surcharge', 'double precision'],
  ['total_amount', 'double precision'],
  ['congestion_surcharge', 'double precision'],
];

/** Types, number and sums of the rows with passengers: equal for equal contents, in whatever order the rows lie. */
export async function fingerprint({ warehouse }: Ground, table: string): Promise<string> {
  const types = await warehouse.query(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and attname = any ($2) order by attnum`,
    [table, tripTypes.map(([name]) => name)],
  );
  const sums = tripTypes.map(
    ([name, type]) => `${sumOf(`"${name}"`, type)} as "${name}", count("${name}") as "${name} values"`,
  );
  const contents = await warehouse.query(`select count(*), ${sums.join(', ')} from ${table} where passenger_count > 0`);
  return JSON.stringify({ types: types.rows, contents: contents.rows });
}

/** Exact for floating point too: as decimal numbers they add up the same in any order. */
function sumOf(column: string, type: string): string {
  if (type === 'text') return `md5(string_agg(${column}, '' order by ${column}))`;
  return type.startsWith('timestamp') ? `sum(extract(epoch from ${column}))` : `sum(${column}::numeric)`;
}
