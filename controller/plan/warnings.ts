import type { CompiledBlock, CompiledPipeline } from '../../schemas/generated/types.ts';
import type { Warning } from './plan.ts';

type Pipeline = CompiledPipeline;

/** What a change may destroy, and what it may reach that it could not reach before. `all`: the pipelines of the head. */
export function warningsOf(
  before: Pipeline | undefined,
  after: Pipeline | undefined,
  all: readonly Pipeline[],
): Warning[] {
  if (!after) return [];
  const destructive = [...(before ? changedWrites(before, after) : []), ...replacedTables(before, after, all)];
  return [
    ...destructive.map((message): Warning => ({ kind: 'destructive', message })),
    ...newRights(before, after).map((message): Warning => ({ kind: 'permission', message })),
  ];
}

/** A table that a block writes, with how. */
type Write = { connection: string; table: string; mode: string; rest: string };

function writeOf({ export: target }: CompiledBlock): Write | undefined {
  if (!target?.postgres) return undefined;
  const { connection, table, write } = target.postgres;
  const { mode, ...rest } = write;
  return { connection, table, mode, rest: JSON.stringify(rest) };
}

function changedWrites(before: Pipeline, after: Pipeline): string[] {
  const old = new Map(before.bundle.blocks.map((block) => [block.name, block]));
  return after.bundle.blocks.flatMap((block) => {
    const was = old.get(block.name);
    return was ? [...changedTable(block.name, writeOf(was), writeOf(block)), ...changedTypes(was, block)] : [];
  });
}

function changedTable(name: string, was: Write | undefined, is: Write | undefined): string[] {
  if (!was || !is) return [];
  const block = `block "${name}"`;
  if (was.table !== is.table || was.connection !== is.connection) {
    return [
      `${block} writes table ${is.table} (${is.connection}) instead of ${was.table} (${was.connection}); what the old one holds stays there and grows old`,
    ];
  }
  if (was.mode !== is.mode) return [`${block} writes ${is.table} by ${is.mode} instead of ${was.mode}`];
  if (was.rest !== is.rest) return [`${block} marks its rows in ${is.table} by other columns (write.${is.mode})`];
  return [];
}

function changedTypes(was: CompiledBlock, is: CompiledBlock): string[] {
  const [old, now] = [columnsOf(was), columnsOf(is)];
  return Object.entries(now).flatMap(([column, type]) =>
    old[column] !== undefined && old[column] !== type
      ? [`column "${column}" of block "${is.name}" becomes ${type} instead of ${old[column]}`]
      : [],
  );
}

function columnsOf({ load }: CompiledBlock): Record<string, unknown> {
  const format = load?.format as Record<string, { columns?: Record<string, unknown> }> | undefined;
  return Object.assign({}, ...Object.values(format ?? {}).map((each) => each?.columns ?? {}));
}

/** A `replace` that was not there before, of a table that somebody else reads. */
function replacedTables(before: Pipeline | undefined, after: Pipeline, all: readonly Pipeline[]): string[] {
  const was = new Set(before?.bundle.blocks.map((block) => JSON.stringify(writeOf(block))));
  return after.bundle.blocks.flatMap((block) => {
    const write = writeOf(block);
    if (write?.mode !== 'replace' || was.has(JSON.stringify(write))) return [];
    const readers = all.filter((other) => other.name !== after.name && reads(other, write)).map(({ name }) => name);
    if (readers.length === 0) return [];
    return [`block "${block.name}" replaces table ${write.table}, which ${readers.join(', ')} reads`];
  });
}

function reads({ bundle }: Pipeline, { connection, table }: Write): boolean {
  const word = new RegExp(`(^|[^\\w.])${table.replace(/[^\w]/g, '\\$&')}($|[^\\w.])`, 'i');
  return bundle.blocks.some(({ load }) => {
    if (load?.postgres?.connection !== connection) return false;
    const { sql } = load.postgres;
    const text = typeof sql === 'string' ? sql : (bundle.files[sql.file] ?? '');
    return word.test(text.replaceAll('"', ''));
  });
}

function newRights(before: Pipeline | undefined, after: Pipeline): string[] {
  const fresh = (kind: string, of: (pipeline: Pipeline) => string[]) => {
    const old = new Set(before ? of(before) : []);
    const added = [...new Set(of(after))].filter((each) => !old.has(each)).sort();
    return added.map((each) => `${kind} ${each}`);
  };
  return [
    ...fresh('reads the secret', ({ secrets }) => secrets.map(({ name, key }) => `${name}/${key}`)),
    ...fresh('reads the environment variable', ({ environment }) => [...environment]),
    ...fresh('contacts', hostsOf),
    ...fresh('runs the image', (pipeline) => podsOf(pipeline, 'image')),
    ...fresh('runs as the service account', (pipeline) => podsOf(pipeline, 'serviceAccount')),
    ...fresh('runs in the namespace', (pipeline) => podsOf(pipeline, 'namespace')),
  ];
}

function podsOf({ bundle }: Pipeline, field: 'image' | 'serviceAccount' | 'namespace'): string[] {
  const pods = bundle.tasks.flatMap(({ pod }) => (typeof pod?.[field] === 'string' ? [pod[field]] : []));
  const images = field === 'image' ? bundle.blocks.flatMap(({ container }) => container?.image ?? []) : [];
  return [...pods, ...images];
}

/** Hosts as they are written, also where a variable is part of one. */
function hostsOf({ bundle }: Pipeline): string[] {
  const urls = bundle.blocks.flatMap(({ load }) => load?.http?.url ?? []);
  const systems = Object.values(bundle.connections).flatMap(({ http, postgres }) => [
    ...(http ? [http.url] : []),
    ...(postgres ? [`//${postgres.host}`] : []),
  ]);
  return [...urls, ...systems].flatMap((url) => /\/\/([^/?#]+)/.exec(String(url))?.[1] ?? []);
}
