import type { PipelineRunResourceSpec, PipelineRunResourceStatus } from '../../schemas/generated/types.ts';
import type { RunPublication } from '../../schemas/publications.ts';
import type { Resource } from '../kubernetes/client.ts';
import { shortRevision } from '../kubernetes/short-names.ts';
import { type Aspect, aspects, dated } from './conditions.ts';
import { durationText } from './duration.ts';
import { labelsOf, runKind } from './kinds.ts';

/** Where a run is shown: in the object that asked for it, else in one of its own name. */
export function placeOfRun(
  run: Pick<RunPublication, 'name' | 'origin'>,
  namespace: string,
): { namespace: string; name: string } {
  return run.origin ? { namespace: run.origin.namespace, name: run.origin.name } : { namespace, name: run.name };
}

/**
 * The object without its status, for server-side apply. One that a person made keeps its spec and gets our labels; its uid
 * keeps us from making it anew when it is gone.
 */
export function runResource(run: RunPublication, namespace: string): Resource {
  const { apiVersion, kind } = runKind;
  const labels = labelsOf(run.pipeline, run.name);
  const place = placeOfRun(run, namespace);
  if (run.origin) return { apiVersion, kind, metadata: { ...place, uid: run.origin.uid, labels } };
  return { apiVersion, kind, metadata: { ...place, labels }, spec: runSpec(run) };
}

function runSpec({ pipeline, window, variables }: RunPublication): PipelineRunResourceSpec {
  const given = Object.entries(variables).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]));
  return {
    pipeline,
    ...(window ? { window: window.start.toISOString() } : {}),
    ...(given.length > 0 ? { variables: Object.fromEntries(given) } : {}),
  };
}

/** The whole status: what is left out here is removed by server-side apply. */
export function runStatus(run: RunPublication, generation: number): PipelineRunResourceStatus {
  const { window, startedAt, finishedAt, tasks, place } = run;
  const { reason, message } = whyOf(run);
  return {
    run: run.name,
    phase: run.phase,
    ...(reason === null ? {} : { reason }),
    ...(message === null ? {} : { message }),
    ...(window && {
      window: { start: window.start.toISOString(), end: window.end.toISOString(), label: window.label },
    }),
    runNo: run.runNo,
    trigger: run.trigger,
    tasks: { ...tasks, text: `${tasks.done}/${tasks.total}` },
    ...(startedAt && { startedAt: startedAt.toISOString() }),
    ...(finishedAt && { finishedAt: finishedAt.toISOString() }),
    ...(startedAt && finishedAt && { duration: durationText(finishedAt.getTime() - startedAt.getTime()) }),
    version: run.version,
    revision: shortRevision(run.revision),
    ...(place?.job === undefined ? {} : { job: place.job }),
    ...(place?.node === undefined ? {} : { node: place.node }),
    conditions: dated(runAspects(run), [], finishedAt ?? run.queuedAt, generation),
    observedGeneration: generation,
  };
}

/** Why it is as it is: its own words, or while it runs, why the pod of its newest attempt does not. */
function whyOf({ phase, reason, message, place }: RunPublication): Pick<RunPublication, 'reason' | 'message'> {
  return phase === 'Running' && place?.pending ? place.pending : { reason, message };
}

function runAspects(run: RunPublication): Aspect[] {
  const { phase } = run;
  const { reason, message } = whyOf(run);
  const text = message ?? '';
  switch (phase) {
    case 'Queued':
    case 'Running':
      return aspects('reconciling', reason ?? phase, text);
    case 'Succeeded':
    case 'Skipped':
      return aspects('ready', reason ?? phase, text);
    case 'Failed':
    case 'Cancelled':
      return aspects('stalled', reason ?? phase, text);
  }
}

/** The status of an object that asks for what cannot be granted. */
export function refusedStatus(message: string, at: Date, generation: number): PipelineRunResourceStatus {
  return {
    phase: 'Failed',
    reason: 'Refused',
    message,
    conditions: dated(aspects('stalled', 'Refused', message), [], at, generation),
    observedGeneration: generation,
  };
}
