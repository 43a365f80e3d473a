import type pg from 'pg';
import type { TableName } from './names.ts';
import type { PostgresType } from './types.ts';

/** A column of an existing table. `declared` is its type as SQL, for messages. */
export type TableColumn = {
  name: string;
  declared: string;
  type: PostgresType;
  nullable: boolean;
  hasDefault: boolean;
  generated: boolean;
};

/** `kind` is `pg_class.relkind`: `r` for a table, `p` for a partitioned one. */
export type Table = { kind: string; columns: TableColumn[] };

type Row = {
  kind: string;
  name: string | null;
  declared: string;
  nullable: boolean;
  has_default: boolean;
  generated: boolean;
  type: string;
  oid: number;
  modifier: number;
  element: string | null;
  element_oid: number;
};

/** The table as it is, or null. A domain counts as what it is made of. */
export async function readTable(client: pg.Client, { schema, name }: TableName): Promise<Table | null> {
  const { rows } = await client.query<Row>(
    `select c.relkind as kind, a.attname as name, format_type(a.atttypid, a.atttypmod) as declared,
            not a.attnotnull as nullable, a.atthasdef or a.attidentity <> '' as has_default, a.attgenerated <> '' as generated,
            case b.typtype when 'e' then 'enum' else b.typname end as type, b.oid as oid,
            case t.typtype when 'd' then t.typtypmod else a.atttypmod end as modifier,
            case e.typtype when 'e' then 'enum' else e.typname end as element, e.oid as element_oid
     from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_type t on t.oid = a.atttypid
     left join pg_type b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
     left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
     where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
     order by a.attnum`,
    [schema, name],
  );
  const [first] = rows;
  return first ? { kind: first.kind, columns: rows.flatMap(columnOf) } : null;
}

function columnOf(row: Row): TableColumn[] {
  if (row.name === null) return [];
  const { name, declared, nullable, has_default: hasDefault, generated } = row;
  const element =
    row.element === null
      ? null
      : { name: row.element, oid: row.element_oid, digits: digitsOf(row.element, row.modifier), element: null };
  const type = { name: row.type, oid: row.oid, digits: digitsOf(row.type, row.modifier), element };
  return [{ name, declared, type, nullable, hasDefault, generated }];
}

/** Digits that a type keeps after the point, of a number or of a second; null when as many as there are. */
function digitsOf(type: string, modifier: number): number | null {
  if (modifier < 0) return null;
  // Postgres packs precision and a signed scale of 11 bits, plus 4, into one number.
  if (type === 'numeric') return (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
  // Restricted to some fields (such as `interval year to month`) it keeps no seconds at all.
  if (type === 'interval') return modifier >> 16 === 0x7fff ? Math.min(modifier & 0xffff, 6) : -1;
  return /^time/.test(type) ? modifier : null;
}

/** The schema in which a name without one lies; Postgres' own rule. */
export async function currentSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string | null }>('select current_schema() as schema');
  return rows[0]?.schema ?? 'public';
}

export async function schemaExists(client: pg.Client, schema: string): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_namespace where nspname = $1', [schema]);
  return rowCount === 1;
}
