import type {
  Bundle,
  CompiledBlock,
  CompiledPipeline,
  CompiledSchedule,
  CompiledTask,
  Load,
  ManifestPart,
  PipelineBlock,
  Transform,
} from '../../schemas/generated/types.ts';
import type { Body } from './check-body.ts';
import { connectionReads } from './check-connection.ts';
import { conversion } from './check-parameters.ts';
import type { Context } from './context.ts';
import { dataDigestOf } from './data-digest.ts';
import { digestOf, sortKeys } from './digest.ts';
import { milliseconds } from './duration.ts';
import { resolveReference } from './files.ts';
import type { BlockManifest, ConnectionManifest, PipelineManifest, Position } from './manifest.ts';

type Options = {
  context: Context;
  manifest: PipelineManifest;
  /** The blocks in topological order. */
  order: readonly PipelineBlock[];
  schedule: CompiledSchedule | null;
  tasks: readonly CompiledTask[];
};

/** Compiles a pipeline in which nothing is wrong. */
export function compilePipeline({ context, manifest, order, schedule, tasks }: Options): CompiledPipeline {
  const { metadata, spec } = manifest.value;
  const blocks = order.map((block) => compileBlock(context, manifest, block));
  const connections = connectionsOf(context, blocks);
  const bundle: Bundle = sortKeys({
    pipeline: metadata.name,
    variables: spec.variables ?? {},
    timeZone: schedule?.calendar.timeZone ?? 'UTC',
    blocks: blocks as Bundle['blocks'],
    tasks: tasks as Bundle['tasks'],
    connections: Object.fromEntries(connections.map(({ name, value }) => [name, value.spec])),
    files: filesOf(context, blocks),
  });
  for (const [index, block] of bundle.blocks.entries()) keepColumnOrder(blocks[index], block);
  const meaning = {
    name: metadata.name,
    ...(spec.description !== undefined && { description: spec.description }),
    labels: metadata.labels ?? {},
    schedule,
    ...(spec.suspend !== undefined && { suspend: spec.suspend }),
    maxActiveRuns: spec.maxActiveRuns ?? 1,
    ...(spec.whenBusy !== undefined && { whenBusy: spec.whenBusy }),
    ...(spec.priority !== undefined && { priority: spec.priority }),
    ...(spec.pool !== undefined && { pool: spec.pool }),
    timeoutMs: milliseconds(spec.timeout),
    bundleDigest: bundleDigestOf(bundle),
    ...readsOf(context, connections),
  };
  return {
    ...meaning,
    file: manifest.file,
    line: manifest.at.line,
    digest: digestOf(sortKeys(meaning)),
    dataDigest: dataDigestOf(bundle),
    bundle,
    manifest: partsOf(context, manifest, { blocks, connections }),
  };
}

/** What people wrote, each manifest once, its own first. */
function partsOf(
  context: Context,
  manifest: PipelineManifest,
  { blocks, connections }: { blocks: readonly CompiledBlock[]; connections: readonly ConnectionManifest[] },
): ManifestPart[] {
  const used = [...new Set(blocks.flatMap(({ use }) => use ?? []))].flatMap((name) => {
    const found = context.find('Block', name);
    return found && found !== 'broken' ? [found] : [];
  });
  const { overlay } = manifest;
  return [manifest, ...(overlay ? [overlay] : []), ...used, ...connections].map(({ written }) => written);
}

/** The order of columns in a file or a row is meaning, unlike the order of other keys: they go back as they were written. */
function keepColumnOrder(written: CompiledBlock | undefined, sorted: CompiledBlock): void {
  if (written?.load?.inline && sorted.load?.inline) sorted.load.inline.rows = written.load.inline.rows;
  const columns = written?.load?.format?.csv?.columns;
  if (columns && sorted.load?.format?.csv) sorted.load.format.csv.columns = columns;
}

/** Positions are no meaning; the order of columns is. All other keys of the bundle are sorted already. */
function bundleDigestOf(bundle: Bundle): string {
  const blocks = bundle.blocks.map(({ origin, load, ...block }) => {
    const columns = Object.entries(load?.format?.csv?.columns ?? {});
    return { ...block, load, columns, rows: load?.inline?.rows.map((row) => Object.entries(row)) };
  });
  return digestOf({ ...bundle, blocks });
}

function compileBlock(context: Context, manifest: PipelineManifest, block: PipelineBlock): CompiledBlock {
  const own: CompiledBlock = {
    name: block.name,
    from: block.from ?? [],
    needs: block.needs ?? [],
    ...(block.when !== undefined && { when: block.when }),
    ...(block.wait && { wait: block.wait }),
    checks: block.checks ?? [],
    origin: { file: manifest.file, ...positionOf(manifest.bodies[manifest.value.spec.blocks.indexOf(block)]) },
  };
  const used = block.use === undefined ? undefined : context.find('Block', block.use);
  if (!used || used === 'broken') return { ...own, ...bodyOf(context, manifest.file, block) };
  const { spec } = used.value;
  return {
    ...own,
    use: used.name,
    parameters: parametersOf(used, block),
    parameterTypes: spec.parameters ?? {},
    ...bodyOf(context, used.file, spec),
    checks: [...(spec.checks ?? []), ...own.checks],
    origin: { file: used.file, ...positionOf(used.bodies[0]) },
  };
}

function positionOf(position: Position | undefined): Position {
  return position ?? { line: 1, column: 1 };
}

function parametersOf({ value }: BlockManifest, block: PipelineBlock): NonNullable<CompiledBlock['parameters']> {
  const given = block.with ?? {};
  return Object.fromEntries(
    Object.entries(value.spec.parameters ?? {}).map(([name, { type, default: fallback }]) => {
      const chosen = Object.hasOwn(given, name) ? given[name] : fallback;
      return [name, conversion(chosen ?? null, type) ?? null];
    }),
  );
}

/** The body with its SQL files named by their path in the source. */
function bodyOf(
  context: Context,
  file: string,
  body: Body,
): Pick<CompiledBlock, 'load' | 'transform' | 'export' | 'container'> {
  const { load, transform, export: target, container } = body;
  return {
    ...(load && {
      load: load.postgres
        ? { ...load, postgres: { ...load.postgres, sql: sqlOf(context, file, load.postgres.sql) } }
        : load,
    }),
    ...(transform && { transform: { ...transform, sql: sqlOf(context, file, transform.sql) } }),
    ...(target && { export: target }),
    ...(container && { container }),
  };
}

type Sql = Transform['sql'] & NonNullable<Load['postgres']>['sql'];

function sqlOf({ files }: Context, file: string, sql: Sql): Sql {
  if (typeof sql === 'string') return sql;
  const found = resolveReference(files, file, sql.file);
  return 'path' in found ? { file: found.path } : sql;
}

function filesOf({ files }: Context, blocks: readonly CompiledBlock[]): Bundle['files'] {
  const paths = blocks.flatMap(({ load, transform }) =>
    [load?.postgres?.sql, transform?.sql].flatMap((sql) => (typeof sql === 'object' ? [sql.file] : [])),
  );
  return Object.fromEntries(paths.map((path) => [path, files.get(path) ?? '']));
}

function connectionsOf(context: Context, blocks: readonly CompiledBlock[]): ConnectionManifest[] {
  const names = blocks.flatMap(({ load, export: target }) =>
    [load?.http?.connection, load?.postgres?.connection, target?.postgres.connection].filter(
      (name) => name !== undefined,
    ),
  );
  return [...new Set(names)].flatMap((name) => {
    const found = context.find('Connection', name);
    return found && found !== 'broken' ? [found] : [];
  });
}

/** What the connections read from outside: environment variables and secrets, each once, sorted. */
function readsOf(
  context: Context,
  connections: readonly ConnectionManifest[],
): Pick<CompiledPipeline, 'environment' | 'secrets'> {
  const reads = connections.map((each) => context.once(`reads ${each.name}`, () => connectionReads(each)));
  const secrets = new Map(
    reads.flatMap((each) => each.secrets.map((secret) => [`${secret.name} ${secret.key}`, secret])),
  );
  return {
    environment: [...new Set(reads.flatMap((each) => each.environment))].sort(),
    secrets: [...secrets.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, secret]) => secret),
  };
}
