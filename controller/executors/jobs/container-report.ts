import type { CompiledBlock, TaskReport } from '../../../schemas/generated/types.ts';
import { endOf, type HowEnded, howItEnded } from './ended.ts';
import { newest, type Sight } from './judge.ts';
import type { Pod } from './kinds.ts';
import { containerAnnotation, endedAnnotation } from './labels.ts';
import { outputsIn, terminatedOf } from './message.ts';

type About = CompiledBlock['origin'] & { readonly block: string };

/** Whether the attempt is of a container block, for which no runner reports. */
export function isContainer(sight: Sight): boolean {
  return aboutContainer(sight) !== null;
}

/**
 * What the status of its pod says of a container that has ended: its outputs, or its exit code and last words. Null where that is
 * not for the container to say: it was told to end, or its pod was taken from it.
 */
export function containerReport(attemptId: string, sight: Sight): TaskReport | null {
  const { job, pods } = sight;
  const about = aboutContainer(sight);
  if (!about) return null;
  const succeeded = pods.find(({ status }) => status?.phase === 'Succeeded');
  if (succeeded) return report(attemptId, about, succeeded, outcomeOf(succeeded, about));
  if (!job || job.metadata.annotations?.[endedAnnotation] !== undefined) return null;
  const end = endOf(job);
  if (!end) return null;
  const pod = newest(pods);
  // Its pod was deleted after it had succeeded; what it has put out went with it.
  if (end.type === 'Complete') return { ...report(attemptId, about, pod, { outputs: {} }), partial: true };
  const how = howItEnded(job, end, pod);
  return how.reason === 'ContainerFailed' ? report(attemptId, about, pod, how) : null;
}

function aboutContainer({ job, pods }: Sight): About | null {
  const text = (job ?? pods[0])?.metadata.annotations?.[containerAnnotation];
  return text === undefined ? null : (JSON.parse(text) as About);
}

type Outcome = { readonly outputs: NonNullable<TaskReport['outputs']> } | HowEnded;

function outcomeOf(pod: Pod, { block }: About): Outcome {
  const outputs = outputsIn(terminatedOf(pod)?.message ?? '');
  if (typeof outputs !== 'string') return { outputs };
  const wayOut = 'write a JSON object of texts, numbers and booleans, at most 4096 bytes, or nothing';
  return { detail: `/dev/termination-log of block "${block}" ${outputs}; ${wayOut}`, reason: 'InvalidOutputs' };
}

function report(attemptId: string, about: About, pod: Pod | null, outcome: Outcome): TaskReport {
  const { block, ...place } = about;
  const { startedAt, finishedAt } = times(pod);
  const durationMs = Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt));
  const whole = {
    attemptId,
    startedAt,
    finishedAt,
    durationMs,
    peakMemoryBytes: null,
    blocks: [{ name: block, kind: 'container', rows: null, bytes: null, durationMs, checks: [] }],
    sample: null,
    partial: false,
  };
  if ('outputs' in outcome) return { ...whole, outcome: 'Succeeded', reason: null, outputs: outcome.outputs };
  const error = { message: outcome.detail, block, ...place };
  return { ...whole, outcome: 'Failed', reason: outcome.reason, error };
}

function times(pod: Pod | null): { startedAt: string; finishedAt: string } {
  const ended = pod ? terminatedOf(pod) : undefined;
  const finishedAt = ended?.finishedAt ?? new Date().toISOString();
  return { startedAt: ended?.startedAt ?? finishedAt, finishedAt };
}
