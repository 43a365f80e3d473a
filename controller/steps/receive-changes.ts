import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { PipelinePublication } from '../../schemas/publications.ts';
import type { Kind, Kubernetes, Resource } from '../kubernetes/client.ts';
import { type Drift, type PipelineDrift, pipelineDrift } from '../publish/drift.ts';
import { pipelineKind } from '../publish/kinds.ts';
import { type PipelineBlocks, pipelineSpec, strayStatus } from '../publish/pipeline-resource.ts';
import type { Publisher } from '../publish/publisher.ts';
import { putBack } from '../publish/put-back.ts';
import { together } from '../publish/together.ts';
import { type OurObjects, observedOf } from '../publish/track.ts';
import { writeStatus } from '../publish/write-status.ts';
import { writeAudit } from '../store/audit.ts';
import { markNamed } from '../store/dirty.ts';
import { transaction } from '../store/pool.ts';
import { readPipelinePublications, setSuspended } from '../store/publications.ts';
import type { Wake } from './step.ts';

export const atOnce = 4;

export type ReceiveParts = {
  readonly pool: pg.Pool;
  readonly kubernetes: Kubernetes;
  readonly publisher: Publisher;
  readonly blocks: (bundle: string) => Promise<PipelineBlocks>;
  readonly wake: Wake;
  readonly log: Logger;
};

export async function receivePipelines(parts: ReceiveParts, seen: OurObjects): Promise<void> {
  const changed = seen.changed();
  if (changed.length > 0) {
    const rows = await readPipelinePublications(parts.pool, { names: changed.map(({ metadata }) => metadata.name) });
    await together(changed, atOnce, async (resource) => {
      const row = rows.find(({ name }) => name === resource.metadata.name);
      if (!row || row.retired) await markStray(parts, resource);
      else await receivePipeline(parts, resource, row);
    });
  }
  await restoreDeleted(parts, seen);
}

async function receivePipeline(parts: ReceiveParts, resource: Resource, row: PipelinePublication): Promise<void> {
  const desired = pipelineSpec(row, await parts.blocks(row.bundle));
  const drift = pipelineDrift(resource, desired, row.suspendedBySource);
  if (drift.suspend !== null) await suspend(parts, resource, drift);
  await settle(parts, 'pipeline', { kind: pipelineKind, resource, desired, drift }, drift.suspend !== null);
}

/** Puts back what is to be put back, and has the object shown whole where its status is not about what it is by now. */
export async function settle(
  parts: ReceiveParts,
  what: 'pipeline' | 'source',
  change: { kind: Kind; resource: Resource; desired: object; drift: Drift },
  isNews: boolean,
): Promise<void> {
  const { resource, desired, drift } = change;
  const { kubernetes, publisher, log } = parts;
  if (drift.fields.length > 0) await putBack(change, { kubernetes, tell: publisher.tell, log });
  // Changed and changed back: nothing is to be done but to say in the status that it has been seen.
  const isBack = observedOf(resource) !== null && isDeepStrictEqual(resource.spec, desired);
  if (!isNews && drift.fields.length === 0 && !isBack) return;
  await showAgain(parts, what, [resource.metadata.name]);
}

async function suspend(
  { pool, publisher, wake }: ReceiveParts,
  resource: Resource,
  drift: PipelineDrift,
): Promise<void> {
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

/** Somebody made an object of a kind that only we make. */
async function markStray({ kubernetes }: ReceiveParts, resource: Resource): Promise<void> {
  const { name, generation = 1 } = resource.metadata;
  await writeStatus(kubernetes, pipelineKind, resource.metadata, strayStatus(name, new Date(), generation));
}

/** What is still ours to show is made anew; `publish` passes over what is retired, and marks pass over what never was. */
async function restoreDeleted(parts: ReceiveParts, seen: OurObjects): Promise<void> {
  const names = seen.deleted();
  if (names.length === 0) return;
  await showAgain(parts, 'pipeline', names);
  seen.restored(names);
}

/** Has objects written whole, whatever they showed last. */
export async function showAgain(
  { pool, publisher, wake }: ReceiveParts,
  what: 'pipeline' | 'source',
  names: readonly string[],
): Promise<void> {
  for (const name of names) publisher.forget(what, name);
  await markNamed(pool, what, names);
  wake('publish');
}
