import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { PipelineResourceSpec } from '../../schemas/generated/types.ts';
import type { PipelinePublication } from '../../schemas/publications.ts';
import type { Key, Kubernetes, Resource } from '../kubernetes/client.ts';
import { type Drift, driftOf, mergePatch } from '../publish/drift.ts';
import { pipelineKind, runKind } from '../publish/kinds.ts';
import { type PipelineBlocks, pipelineSpec, strayStatus } from '../publish/pipeline-resource.ts';
import type { Publisher } from '../publish/publisher.ts';
import { refusedStatus } from '../publish/run-resource.ts';
import { together } from '../publish/together.ts';
import type { Asking, ClusterView } from '../publish/view.ts';
import { writeAudit } from '../store/audit.ts';
import { readAnswers, submitOnce } from '../store/cluster-requests.ts';
import { markPipelines } from '../store/dirty.ts';
import type { Leader } from '../store/leaders.ts';
import { transaction } from '../store/pool.ts';
import { readPipelinePublications, setSuspended } from '../store/publications.ts';
import { done, type Step, type Wake } from './step.ts';

const atOnce = 4;

type Options = {
  readonly pool: pg.Pool;
  readonly leader: Leader;
  readonly kubernetes: Kubernetes;
  readonly view: ClusterView;
  readonly publisher: Publisher;
  readonly blocks: (bundle: string) => Promise<PipelineBlocks>;
  readonly wake: Wake;
  readonly log: Logger;
};

/**
 * What people did with kubectl → rows: PipelineRuns that they made become requests, `spec.suspend` becomes the pipeline's, and
 * any other field of a Pipeline is put back. By one replica, although the rows would bear several.
 */
export function createReceive(options: Options): Step {
  const { leader, view } = options;
  return {
    name: 'receive',
    everyMs: 1_000,
    async pass() {
      if (!(await leader.lead())) return done();
      await receiveAsks(options, view.asking());
      await receiveChanges(options, view.changed());
      await restoreDeleted(options, view.deleted());
      return done();
    },
  };
}

async function receiveAsks(options: Options, asking: readonly Asking[]): Promise<void> {
  const { pool, wake } = options;
  if (asking.length === 0) return;
  const fresh = await submitOnce(
    pool,
    asking.map(({ ask }) => ask),
  );
  if (fresh > 0) wake('intake');
  const answers = await readAnswers(
    pool,
    asking.map(({ ask }) => ask.origin.uid),
  );
  await together(asking, atOnce, async ({ ask, resource }) => {
    const answer = answers.find(({ uid, kind }) => uid === ask.origin.uid && kind === ask.kind);
    // One that was granted has a run, which `publish` shows here. A cancellation that came too late changes nothing.
    if (!answer || !('error' in answer.result) || ask.kind === 'cancel') return;
    await refuse(options, resource, answer.result.error);
  });
}

async function refuse({ kubernetes, publisher, log }: Options, resource: Resource, message: string): Promise<void> {
  const status = refusedStatus(message, new Date(), resource.metadata.generation ?? 1);
  const { apiVersion, kind } = runKind;
  await kubernetes.apply({ apiVersion, kind, metadata: keyOf(resource), status }, { subresource: 'status' });
  await publisher.tell(resource, { type: 'Warning', reason: 'Refused', message, key: '' });
  log.info({ pipelineRun: resource.metadata.name, message }, 'request by kubectl refused');
}

async function receiveChanges(options: Options, changed: readonly Resource[]): Promise<void> {
  if (changed.length === 0) return;
  const names = changed.map(({ metadata }) => metadata.name);
  const rows = await readPipelinePublications(options.pool, { names });
  await together(changed, atOnce, async (resource) => {
    const row = rows.find(({ name }) => name === resource.metadata.name);
    if (!row || row.retired) await markStray(options.kubernetes, resource);
    else await receiveChange(options, resource, row);
  });
}

async function receiveChange(options: Options, resource: Resource, row: PipelinePublication): Promise<void> {
  const desired = pipelineSpec(row, await options.blocks(row.bundle));
  const drift = driftOf(resource, desired);
  if (drift.suspend !== null) await suspend(options, resource, drift);
  if (drift.fields.length > 0) await putBack(options, resource, { ...desired }, drift);
  if (drift.suspend === null && drift.fields.length === 0 && !isSettled(resource, desired)) return;
  options.publisher.forgetPipeline(row.name);
  await markPipelines(options.pool, [row.name]);
  options.wake('publish');
}

/** Changed and changed back: nothing is to be done but to say in the status that it has been seen. */
function isSettled({ spec, status }: Resource, desired: PipelineResourceSpec): boolean {
  return status !== undefined && isDeepStrictEqual(spec, desired);
}

async function suspend({ pool, publisher, wake }: Options, resource: Resource, drift: Drift): Promise<void> {
  const { name, generation } = resource.metadata;
  const suspended = drift.suspend === true;
  const changed = await transaction(pool, async (db) => {
    if (!(await setSuspended(db, name, suspended))) return false;
    const verb = suspended ? 'suspend' : 'resume';
    await writeAudit(db, [{ actor: `kubernetes:${drift.manager}`, verb, subjectKind: 'pipeline', subject: name }]);
    return true;
  });
  if (!changed) return;
  wake('schedule');
  const message = `the schedule was ${suspended ? 'stopped' : 'started'} by ${drift.manager}`;
  const reason = suspended ? 'Suspended' : 'Resumed';
  await publisher.tell(resource, { type: 'Normal', reason, message, key: String(generation) });
}

async function putBack(
  { kubernetes, publisher, log }: Options,
  resource: Resource,
  desired: Record<string, unknown>,
  { fields, manager }: Drift,
): Promise<void> {
  const { name, generation } = resource.metadata;
  const current = resource.spec as Record<string, unknown>;
  const only = (spec: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(spec).filter(([field]) => fields.includes(field)));
  await kubernetes.patch(pipelineKind, keyOf(resource), { spec: mergePatch(only(current), only(desired)) });
  const named = fields.map((field) => `spec.${field}`).join(', ');
  const message = `${named}, changed by ${manager}, put back: they belong to the pipeline's source; change the manifest there`;
  await publisher.tell(resource, { type: 'Warning', reason: 'DriftCorrected', message, key: String(generation) });
  log.warn({ pipeline: name, fields, manager }, 'a Pipeline was changed in the cluster and has been put back');
}

async function markStray(kubernetes: Kubernetes, resource: Resource): Promise<void> {
  const { apiVersion, kind } = pipelineKind;
  const { name, generation = 1 } = resource.metadata;
  const status = strayStatus(name, new Date(), generation);
  await kubernetes.apply({ apiVersion, kind, metadata: keyOf(resource), status }, { subresource: 'status' });
}

function keyOf({ metadata: { name, namespace } }: Resource): Key {
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

/** A Pipeline that its source has is made anew; `publish` passes over what is retired. */
async function restoreDeleted({ pool, publisher, view, wake }: Options, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  for (const name of names) publisher.forgetPipeline(name);
  await markPipelines(pool, names);
  view.restored(names);
  wake('publish');
}
