import type { Logger } from 'pino';
import type { TaskReport } from '../../../schemas/generated/types.ts';
import type { Observation } from '../port.ts';
import type { Cache } from './cache.ts';
import { containerReport, isContainer } from './container-report.ts';
import { judge, type Sight, type Verdict } from './judge.ts';
import type { Look } from './live.ts';
import { reportIn } from './message.ts';
import type { Refusals } from './refusals.ts';

/** Reports that came over HTTP. Those of other attempts than the given ones may be left out. */
export type Reports = { read(attemptIds: readonly string[]): Promise<ReadonlyMap<string, TaskReport>> };

export type ObserveOptions = {
  readonly reports: Reports;
  readonly cache: Cache;
  readonly look: Look;
  readonly refusals: Refusals;
  readonly log: Logger;
  readonly pendingMs: number;
  readonly lostNodeMs: number;
};

export async function observe(
  attemptIds: readonly string[],
  options: ObserveOptions,
): Promise<ReadonlyMap<string, Observation>> {
  const { reports, cache, refusals } = options;
  const read = await reports.read(attemptIds);
  const silent = attemptIds.filter((id) => !read.has(id));
  const unknown = (error: unknown) => {
    // Without the API server nobody can say that something is gone: it is looked at again, and reports count meanwhile.
    options.log.warn({ err: error }, 'the cluster could not be looked at');
    return { state: 'running' } as const;
  };
  await refusals.refresh(silent.map((id) => cache.see(id) ?? { job: null, pods: [] })).catch(unknown);
  const seen = await Promise.all(silent.map(async (id) => [id, await observeOne(id, options).catch(unknown)] as const));
  return new Map<string, Observation>([
    ...[...read].map(([id, report]) => [id, { state: 'reported', report }] as const),
    ...seen,
  ]);
}

async function observeOne(attemptId: string, options: ObserveOptions): Promise<Observation> {
  // Before the first list nothing is known, and so nothing is said; the list itself is the next hint.
  if (!options.cache.isFilled(attemptId)) return { state: 'running' };
  const cached = options.cache.see(attemptId) ?? { job: null, pods: [] };
  if (judgeNow(cached, options).state === 'running') return { state: 'running' };
  // A watch may be behind: what seems to be gone is looked at itself, and its report was perhaps just on its way.
  const sight = await options.look(attemptId);
  const verdict = judgeNow(sight, options);
  if (verdict.state === 'running') return { state: 'running' };
  const report = await reportOf(attemptId, sight, options.reports);
  if (report) return { state: 'reported', report };
  return { state: 'gone', detail: verdict.detail, ...(verdict.reason ? { reason: verdict.reason } : {}) };
}

export function judgeNow(
  sight: Sight,
  options: Pick<ObserveOptions, 'pendingMs' | 'lostNodeMs' | 'refusals'>,
): Verdict {
  const { pendingMs, lostNodeMs, refusals } = options;
  return judge(sight, { now: Date.now(), pendingMs, lostNodeMs, refusal: refusals.of(sight) });
}

/** The whole report, or the small one that the pod left when it could not deliver it; of a container what its pod's status says. */
export async function reportOf(attemptId: string, sight: Sight, reports: Reports): Promise<TaskReport | null> {
  if (isContainer(sight)) return containerReport(attemptId, sight);
  const whole = (await reports.read([attemptId])).get(attemptId);
  return whole ?? reportIn(sight.pods, attemptId);
}
