import type pg from 'pg';
import type { CompiledBlock, CompiledPipeline, PodSettings } from '../../schemas/generated/types.ts';
import { toJsonb } from './json.ts';

/** What a version adds to the catalog; `details` is what controller steps need without opening the bundle. */
export type VersionDetails = Pick<
  CompiledPipeline,
  'environment' | 'secrets' | 'labels' | 'description' | 'suspend'
> & {
  readonly timeZone: string;
  readonly variables: CompiledPipeline['bundle']['variables'];
  /** The tasks that ask something of the place where they run, by name; absent where none does. */
  readonly tasks?: Readonly<Record<string, TaskAsks>>;
};

/** `container`: the block of a task that is one, its templates not evaluated; `inputs`: the blocks whose rows it reads. */
export type TaskAsks = {
  readonly pod?: PodSettings;
  readonly container?: CompiledBlock;
  readonly inputs: readonly string[];
};

/** Saves versions and their tasks; a digest that is there already is kept as it is. Returns version ids by pipeline id. */
export async function saveVersions(
  db: pg.ClientBase,
  revisionId: number,
  versions: readonly { pipelineId: number; compiled: CompiledPipeline }[],
): Promise<Map<number, number>> {
  const records = versions.map(({ pipelineId, compiled }) => ({
    pipeline_id: pipelineId,
    digest: compiled.digest,
    bundle_digest: compiled.bundleDigest,
    data_digest: compiled.dataDigest,
    max_active_runs: compiled.maxActiveRuns,
    priority: compiled.priority ?? 0,
    when_busy: compiled.whenBusy ?? 'queue',
    pool: compiled.pool ?? null,
    waits: compiled.bundle.tasks.some(({ wait }) => wait !== undefined),
    timeout_ms: compiled.timeoutMs,
    schedule: compiled.schedule,
    details: versionDetails(compiled),
    manifest: compiled.manifest,
  }));
  const { rows } = await db.query(
    `insert into versions (pipeline_id, digest, bundle_digest, data_digest, revision_id, max_active_runs, priority, when_busy, pool, waits, timeout_ms, schedule, details, manifest)
     select pipeline_id, digest, bundle_digest, data_digest, $1, max_active_runs, priority, when_busy, pool, waits, timeout_ms, schedule, details, manifest
     from jsonb_to_recordset($2) as v(pipeline_id int, digest text, bundle_digest text, data_digest text, max_active_runs int, priority int, when_busy text, pool text,
       waits boolean, timeout_ms bigint, schedule jsonb, details jsonb, manifest jsonb)
     on conflict (pipeline_id, digest) do update
       set data_digest = excluded.data_digest, manifest = coalesce(versions.manifest, excluded.manifest)
     returning id, pipeline_id, xmax = 0 as inserted`,
    [revisionId, toJsonb(records)],
  );
  const ids = new Map<number, number>(rows.map((row) => [row.pipeline_id, row.id]));
  const fresh = new Set(rows.filter((row) => row.inserted).map((row) => row.pipeline_id));
  const tasks = versions
    .filter(({ pipelineId }) => fresh.has(pipelineId))
    .flatMap(({ pipelineId, compiled }) => taskRecords(ids.get(pipelineId) as number, compiled));
  await db.query(
    `insert into version_tasks (version_id, position, name, blocks, needs, condition, retry_limit, retry_initial_ms, retry_factor, retry_max_ms,
       timeout_ms, pool, wait)
     select version_id, position, name, blocks, needs, condition, retry_limit, retry_initial_ms, retry_factor, retry_max_ms, timeout_ms, pool, wait
     from jsonb_to_recordset($1) as t(version_id bigint, position int, name text, blocks text[], needs text[], condition text,
       retry_limit int, retry_initial_ms bigint, retry_factor float8, retry_max_ms bigint, timeout_ms bigint, pool text, wait jsonb)`,
    [JSON.stringify(tasks)],
  );
  return ids;
}

function versionDetails(compiled: CompiledPipeline): VersionDetails {
  const { environment, secrets, labels, description, suspend, bundle } = compiled;
  return {
    environment,
    secrets,
    labels,
    ...(description === undefined ? {} : { description }),
    ...(suspend === undefined ? {} : { suspend }),
    timeZone: bundle.timeZone,
    variables: bundle.variables,
    ...tasksThatAsk(bundle),
  };
}

function tasksThatAsk({ tasks, blocks }: CompiledPipeline['bundle']): Pick<VersionDetails, 'tasks'> {
  const asking = tasks.flatMap(({ name, pod, inputs }): [string, TaskAsks][] => {
    // A container is a task alone and gives it its name.
    const container = blocks.find((block) => block.name === name && block.container !== undefined);
    return pod || container ? [[name, { ...(pod && { pod }), ...(container && { container }), inputs }]] : [];
  });
  return asking.length === 0 ? {} : { tasks: Object.fromEntries(asking) };
}

function taskRecords(versionId: number, compiled: CompiledPipeline) {
  return compiled.bundle.tasks.map((task, position) => ({
    version_id: versionId,
    position,
    name: task.name,
    blocks: task.blocks,
    needs: task.needs,
    condition: task.when ?? null,
    retry_limit: task.retry.limit,
    retry_initial_ms: task.retry.initialMs,
    retry_factor: task.retry.factor,
    retry_max_ms: task.retry.maxMs,
    timeout_ms: task.timeoutMs,
    pool: task.pool ?? null,
    wait: task.wait ?? null,
  }));
}

/** Gives versions that were compiled before there was a digest of data theirs, when they are compiled again. */
export async function fillDataDigests(
  db: pg.ClientBase,
  pipelines: readonly Pick<CompiledPipeline, 'name' | 'digest' | 'dataDigest'>[],
): Promise<void> {
  const digests = pipelines.map(({ name, digest, dataDigest }) => ({ name, digest, dataDigest }));
  await db.query(
    `update versions v set data_digest = d."dataDigest"
     from jsonb_to_recordset($1) as d(name text, digest text, "dataDigest" text) join pipelines p on p.name = d.name
     where v.pipeline_id = p.id and v.digest = d.digest and v.data_digest is null`,
    [JSON.stringify(digests)],
  );
}
