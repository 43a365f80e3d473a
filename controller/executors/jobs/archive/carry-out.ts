import type { Kubernetes } from '../../../kubernetes/client.ts';
import type { Sight } from '../judge.ts';
import { type Job, jobKind } from '../kinds.ts';
import type { Look } from '../live.ts';
import { copySource } from './copy.ts';
import type { Move } from './next-move.ts';
import type { LogArchive, LogState } from './port.ts';

/** The longest that one request for what was written may take; what came of it by then is kept. */
const readMs = 120_000;

export type CarryOutOptions = {
  readonly kubernetes: Kubernetes;
  readonly archive: LogArchive;
  readonly look: Look;
  /** How long a Job stays after it has ended and its log is kept. */
  readonly ttlSeconds: number;
  /** How often what was followed is kept, in ms. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
};

/** Does what `nextMove` has said. May be repeated after a crash at any place. */
export async function carryOut(
  attemptId: string,
  move: Exclude<Move, { kind: 'wait' }>,
  { sight, state }: { sight: Sight; state: LogState | null },
  options: CarryOutOptions,
): Promise<void> {
  const { archive, signal } = options;
  if (move.kind === 'close') {
    if (state && !state.closed) {
      await assertAllSeen(attemptId, sight, options.look);
      await archive.close(attemptId, { incomplete: move.incomplete });
    }
    // A crash before this line leaves a Job that stays: the next look finds its log closed, and lets it go.
    if (sight.job) await release(sight.job, options);
    return;
  }
  const signals = move.kind === 'read' ? [signal, AbortSignal.timeout(readMs)] : [signal];
  if (state) await copySource(attemptId, move.source, state, { ...options, signal: AbortSignal.any(signals) });
}

/** Jobs and pods are watched apart: the end of a Job may be seen before the pod that brought it about. */
async function assertAllSeen(attemptId: string, { pods }: Sight, look: Look): Promise<void> {
  if (pods.some(({ status }) => status?.phase === 'Succeeded')) return;
  const seen = new Set(pods.map(({ metadata }) => metadata.name));
  const unseen = (await look(attemptId)).pods.filter(({ metadata }) => !seen.has(metadata.name));
  if (unseen.length > 0) throw new Error(`the watch has not shown pod ${unseen[0]?.metadata.name} yet`);
}

async function release(job: Job, { kubernetes, ttlSeconds }: CarryOutOptions): Promise<void> {
  const { namespace = '', name, uid } = job.metadata;
  // The uid makes the patch one of this very Job.
  const patch = { metadata: { uid }, spec: { ttlSecondsAfterFinished: ttlSeconds } };
  await kubernetes.patch(jobKind, { namespace, name }, patch);
}
