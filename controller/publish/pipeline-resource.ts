import type {
  Bundle,
  CompiledBlock,
  CompiledSchedule,
  PipelineResourceSpec,
  PipelineResourceStatus,
} from '../../schemas/generated/types.ts';
import type { PipelinePublication } from '../../schemas/publications.ts';
import { everyText, scheduleText } from '../../schemas/schedule-text.ts';
import { shortHash } from '../kubernetes/short-names.ts';
import { type Aspect, aspects, dated } from './conditions.ts';
import { exactDuration } from './duration.ts';
import { labelsOf, pipelineKind } from './kinds.ts';
import type { Form, Seen } from './objects.ts';

export type PipelineBlocks = PipelineResourceSpec['blocks'];

/** How pipelines are shown. `blocks` gives the graph of a bundle by its digest; it is asked only when a spec is written. */
export function createPipelineForm(
  namespace: string,
  blocks: (bundle: string) => Promise<PipelineBlocks>,
): Form<PipelinePublication> {
  const { apiVersion, kind } = pipelineKind;
  return {
    kind: pipelineKind,
    specKey: ({ version, revision, source, file, suspended }) =>
      shortHash(JSON.stringify([version, revision, source, file, suspended])),
    resource: async (pipeline) => {
      const metadata = { name: pipeline.name, namespace, labels: labelsOf(pipeline.name) };
      return { apiVersion, kind, metadata, spec: pipelineSpec(pipeline, await blocks(pipeline.bundle)) };
    },
    status: pipelineStatus,
    aspects: pipelineAspects,
    edition: ({ version }) => version,
  };
}

export function pipelineSpec(pipeline: PipelinePublication, blocks: PipelineBlocks): PipelineResourceSpec {
  return {
    ...(pipeline.description === null ? {} : { description: pipeline.description }),
    source: pipeline.source,
    file: pipeline.file,
    revision: pipeline.revision,
    version: pipeline.version,
    bundle: pipeline.bundle,
    ...(pipeline.schedule && { schedule: scheduleSpec(pipeline.schedule) }),
    // Always there: so its owner among the field managers tells who set it last, a person or us.
    suspend: pipeline.suspended,
    maxActiveRuns: pipeline.maxActiveRuns,
    ...(pipeline.whenBusy === 'queue' ? {} : { whenBusy: pipeline.whenBusy }),
    ...(pipeline.priority === 0 ? {} : { priority: pipeline.priority }),
    ...(pipeline.pool === null ? {} : { pool: pipeline.pool }),
    ...(pipeline.timeoutMs === null ? {} : { timeout: exactDuration(pipeline.timeoutMs) }),
    blocks,
  };
}

function scheduleSpec(schedule: CompiledSchedule): NonNullable<PipelineResourceSpec['schedule']> {
  const { calendar, startAt, endAt, delayMs, deadlineMs, catchUp, catchUpLimits } = schedule;
  return {
    ...(calendar.every ? { every: everyText(calendar.every) } : {}),
    ...(calendar.cron === undefined ? {} : { cron: calendar.cron }),
    timeZone: calendar.timeZone,
    ...(startAt === null ? {} : { startAt }),
    ...(endAt === null ? {} : { endAt }),
    ...(delayMs === 0 ? {} : { delay: exactDuration(delayMs) }),
    ...(deadlineMs === null ? {} : { deadline: exactDuration(deadlineMs) }),
    catchUp,
    ...(catchUpLimits && { catchUpLimits: limitsSpec(catchUpLimits) }),
  };
}

function limitsSpec({ rate, ...limits }: NonNullable<CompiledSchedule['catchUpLimits']>) {
  return { ...limits, ...(rate && { rate: `${rate.windows} per ${rate.everyMs === 60_000 ? 'minute' : 'hour'}` }) };
}

/** The graph of a bundle: what blocks there are and what they read, without their code. */
export function blocksOf({ blocks, tasks }: Pick<Bundle, 'blocks' | 'tasks'>): PipelineBlocks {
  return blocks.map((block) => {
    const task = tasks.find((one) => one.blocks.includes(block.name))?.name;
    return {
      name: block.name,
      kind: kindOfBlock(block),
      ...(task === undefined ? {} : { task }),
      ...(block.from.length > 0 ? { from: block.from } : {}),
      ...(block.needs.length > 0 ? { needs: block.needs } : {}),
    };
  });
}

/** `load.http`, `transform.sql`, `export.postgres`, `container`, `wait.pipeline`. */
function kindOfBlock(block: CompiledBlock): string {
  if (block.container) return 'container';
  if (block.wait) return 'wait.pipeline';
  for (const key of ['load', 'transform', 'export'] as const) {
    const body = block[key];
    if (!body) continue;
    const form = Object.keys(body).find((name) => name !== 'format');
    return form === undefined ? key : `${key}.${form}`;
  }
  return 'block';
}

export function pipelineStatus(pipeline: PipelinePublication, seen: Seen): PipelineResourceStatus {
  const { lastRun, nextDueAt, calendar } = pipeline;
  return {
    ...(calendar && { schedule: scheduleText(calendar) }),
    ...(lastRun && {
      lastRun: {
        name: lastRun.name,
        ...(lastRun.window === null ? {} : { window: lastRun.window }),
        phase: lastRun.phase,
      },
    }),
    ...(nextDueAt && { nextDueAt: nextDueAt.toISOString() }),
    activeRuns: pipeline.activeRuns,
    queuedRuns: pipeline.queuedRuns,
    conditions: dated(pipelineAspects(pipeline), seen.conditions, seen.at, seen.generation),
    observedGeneration: seen.generation,
  };
}

function pipelineAspects(pipeline: PipelinePublication): [Aspect, ...Aspect[]] {
  const { late } = pipeline;
  if (late === null) return readiness(pipeline);
  const message = `window ${late.window} had not succeeded by its deadline, ${late.deadline}`;
  return [...readiness(pipeline), { type: 'Late', status: 'True', reason: 'DeadlineMissed', message }];
}

function readiness({ ready, problem, version, scheduleFailure }: PipelinePublication): [Aspect, ...Aspect[]] {
  if (!ready) {
    const message = problem ?? 'the manifest has problems; `pipewright pipelines` lists them';
    return aspects('stalled', 'ManifestInvalid', `${message}; the last good version goes on`);
  }
  if (scheduleFailure !== null) {
    const message = `its windows cannot be computed (${scheduleFailure}); correct its schedule`;
    return aspects('stalled', 'ScheduleFailed', message);
  }
  return aspects('ready', 'Synced', `version ${version.slice(0, 12)} of the newest manifest runs`);
}

/** The status of an object that no source has made. */
export function strayStatus(name: string, at: Date, generation: number): PipelineResourceStatus {
  const message = `no source has a pipeline "${name}", so this object does nothing; add its manifest to a source, or delete the object`;
  return {
    conditions: dated(aspects('stalled', 'NotFromSource', message), [], at, generation),
    observedGeneration: generation,
  };
}
