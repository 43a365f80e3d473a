import type { Logger } from 'pino';
import type { Failpoint } from '../../../schemas/failpoints.ts';
import type { Kubernetes } from '../../kubernetes/client.ts';
import type { Executor, Place } from '../port.ts';
import { type Archiver, createArchiver } from './archive/archiver.ts';
import type { LogArchive } from './archive/port.ts';
import { createBundles } from './bundle.ts';
import { createCache } from './cache.ts';
import { type EndOptions, end, tellToEnd } from './end.ts';
import { newest, type Sight } from './judge.ts';
import type { Pod } from './kinds.ts';
import { type Launched, launch } from './launch.ts';
import { createLook } from './live.ts';
import { logs } from './logs.ts';
import { judgeNow, type ObserveOptions, observe, type Reports, reportOf } from './observe.ts';
import { createRefusals } from './refusals.ts';
import type { JobSettings } from './settings.ts';
import { sweep } from './sweep.ts';

export type JobsOptions = Omit<JobSettings, 'pendingMs' | 'ttlSeconds'> & {
  readonly kubernetes: Kubernetes;
  /** More namespaces that pipelines may name for their Jobs. */
  readonly namespaces?: readonly string[];
  /** Identity of the store: Jobs of another one in the same namespace are left alone. */
  readonly ledgerId: string;
  readonly reports: Reports;
  readonly archive: LogArchive;
  /** Called when something of a log was kept and the next thing may begin. */
  readonly onArchived?: () => void;
  readonly capacity: number;
  readonly failpoint?: Failpoint;
  readonly log: Logger;
  /** Ends the watches. Jobs go on. */
  readonly signal: AbortSignal;
  readonly pendingMs?: number;
  readonly ttlSeconds?: number;
  readonly lostNodeMs?: number;
  readonly fenceMs?: number;
  /** How long a bundle stays that no Job names. */
  readonly unusedMs?: number;
  /** Jobs and pods younger than this are left alone by a sweep. */
  readonly youngMs?: number;
};

const collectMs = 600_000;

/** Runs attempts as Kubernetes Jobs. Source: docs/architecture.md, "The executor port". */
export function createJobs(options: JobsOptions): Executor & { readonly archiver: Archiver } {
  const { pendingMs = 1_800_000, ttlSeconds = 3_600, lostNodeMs = 6_000, fenceMs = 10_000 } = options;
  const { kubernetes, namespace, ledgerId, reports, archive, log, signal } = options;
  const settings: JobSettings = { ...options, pendingMs, ttlSeconds };
  const listeners: (() => void)[] = [];
  const onChange = () => {
    for (const listener of listeners) listener();
  };
  const namespaces = [...new Set([namespace, ...(options.namespaces ?? [])])];
  const launched: Launched = new Map();
  const cache = createCache({ kubernetes, namespaces, ledgerId, onChange, signal, log });
  const namespacesOf = (attemptId: string) => {
    const known = namespaceOf(cache.see(attemptId)) ?? launched.get(attemptId)?.metadata.namespace;
    return known === undefined ? namespaces : [known];
  };
  const look = createLook({ kubernetes, namespacesOf, ledgerId });
  const refusals = createRefusals({ kubernetes });
  const bundles = createBundles({ kubernetes, namespaces, unusedMs: options.unusedMs ?? collectMs });
  const seeing: ObserveOptions = { reports, cache, look, refusals, log, pendingMs, lostNodeMs };
  const ending: EndOptions = { kubernetes, settings, launched, look, lostNodeMs, fenceMs };
  collectNowAndThen(bundles.collect, signal, log);
  const onDone = options.onArchived ?? (() => {});
  return {
    archiver: createArchiver({ kubernetes, cache, look, archive, ttlSeconds, onDone, signal, log }),
    capacity: options.capacity,
    launch: (input) =>
      launch(input, { kubernetes, namespaces, bundles, settings, launched, failpoint: options.failpoint }),
    async observe(attemptIds) {
      const seen = await observe(attemptIds, seeing);
      // Its Job is there and will be for a while: nobody has to remember how to bar it.
      for (const [attemptId, { state }] of seen) if (state === 'reported') launched.delete(attemptId);
      return seen;
    },
    async stop(attemptId) {
      const job = cache.see(attemptId)?.job ?? (await look(attemptId)).job;
      if (job) await tellToEnd(job, 'stop', ending);
    },
    async fence(attemptId) {
      const sight = await end(attemptId, ending);
      launched.delete(attemptId);
      return reportOf(attemptId, sight, reports);
    },
    logs: (attemptId, how) => logs(attemptId, how, { kubernetes, archive, look, patienceMs: 60_000 }),
    sweep: (liveIds) =>
      sweep(liveIds, {
        kubernetes,
        namespaces,
        ledgerId,
        log,
        ...(options.youngMs === undefined ? {} : { youngMs: options.youngMs }),
      }),
    onChange: (listener) => listeners.push(listener),
    describe: (attemptId) => placeOf(attemptId, seeing),
  };
}

function namespaceOf(sight: Sight | null): string | undefined {
  return (sight?.job ?? sight?.pods[0])?.metadata.namespace;
}

function placeOf(attemptId: string, seeing: ObserveOptions): Place | null {
  const sight = seeing.cache.see(attemptId);
  const namespace = namespaceOf(sight);
  if (!sight || namespace === undefined) return null;
  const pod = newest(sight.pods);
  const verdict = judgeNow(sight, seeing);
  return {
    namespace,
    ...(sight.job ? { job: sight.job.metadata.name } : {}),
    ...(pod ? { pod: pod.metadata.name } : {}),
    ...(pod?.spec?.nodeName === undefined ? {} : { node: pod.spec.nodeName }),
    ...(verdict.state === 'running' && verdict.pending ? { pending: verdict.pending } : {}),
    ...imageOf(pod),
  };
}

/** What its node says it runs: a tag may mean another image tomorrow. */
function imageOf(pod: Pod | null): Pick<Place, 'image'> {
  const image = pod?.status?.containerStatuses?.find(({ imageID = '' }) => imageID !== '')?.imageID;
  return image === undefined ? {} : { image };
}

function collectNowAndThen(collect: () => Promise<void>, signal: AbortSignal, log: Logger): void {
  const timer = setInterval(() => {
    collect().catch((error) => log.warn({ err: error }, 'unused bundles could not be collected; tried again later'));
  }, collectMs).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
