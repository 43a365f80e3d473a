import type { Bundle, CompiledBlock } from '../../schemas/generated/types.ts';
import { splitTemplate } from '../expressions/segments.ts';
import { sqlWithoutComments } from '../expressions/sql-quoting.ts';
import { digestOf, sortKeys } from './digest.ts';

/**
 * Identity of what decides which data a run makes: the bodies of its blocks and what feeds them, the systems they read and write,
 * variables, the zone of `format`. Two versions that differ in nothing else (checks, retry, timeout, limits, resources,
 * credentials, comments, the forms of schedule and labels) would make the same data, so neither makes the other's stale.
 */
export function dataDigestOf(bundle: Bundle): string {
  const { pipeline, variables, timeZone, connections, files, tasks } = bundle;
  const images = tasks.flatMap(({ name, pod }) => (pod?.image === undefined ? [] : [[name, pod.image]]));
  return digestOf(
    sortKeys({
      pipeline,
      variables: Object.entries(variables).map(([name, { type, default: value }]) => [name, type, value ?? null]),
      timeZone,
      blocks: bundle.blocks.filter(makesData).map(essence),
      targets: Object.entries(connections).map(([name, spec]) => [name, target(spec)]),
      files: Object.entries(files).map(([path, text]) => [path, path.endsWith('.sql') ? plainSql(text) : text]),
      images,
    }),
  );
}

/** A block that only waits makes none. */
function makesData({ load, transform, export: target, container }: CompiledBlock): boolean {
  return [load, transform, target, container].some((body) => body !== undefined);
}

/** The order of columns is meaning, unlike the order of other keys. */
function essence(block: CompiledBlock) {
  const { name, from, when, parameters, load, transform, export: target, container } = block;
  const { postgres } = load ?? {};
  return {
    name,
    from,
    when,
    parameters: parameters && Object.entries(parameters),
    load: load && { ...load, ...(postgres && { postgres: { ...postgres, sql: plain(postgres.sql) } }) },
    columns: Object.entries(load?.format?.csv?.columns ?? {}),
    rows: load?.inline?.rows.map((row) => Object.entries(row)),
    transform: transform && { ...transform, sql: plain(transform.sql) },
    target,
    container,
  };
}

/** Which system it is; not who logs in there, nor how. */
function target({ postgres, http }: Bundle['connections'][string]) {
  return {
    ...(postgres && { host: postgres.host, port: postgres.port ?? 5432, database: postgres.database }),
    url: http?.url,
  };
}

function plain<Sql>(sql: Sql | string): Sql | string {
  return typeof sql === 'string' ? plainSql(sql) : sql;
}

function plainSql(text: string): string {
  return sqlWithoutComments(splitTemplate(text));
}
