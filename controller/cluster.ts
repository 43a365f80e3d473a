import { createHmac, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../schemas/failpoints.ts';
import type { JobsConfig, PipelineSourceResourceSpec, TaskReport } from '../schemas/generated/types.ts';
import type { Health } from './api/app.ts';
import { createReportApi } from './api/report-server.ts';
import { clusterSecrets, declaredSources, refusalOf } from './cluster-sources.ts';
import { createJobs } from './executors/jobs/executor.ts';
import type { Executor } from './executors/port.ts';
import type { Sources } from './git/sources.ts';
import { createKubernetes } from './kubernetes/client.ts';
import { createLogArchive } from './log-archive.ts';
import { onJobs } from './manifests/place.ts';
import type { Place } from './one-machine.ts';
import { handingOver } from './only-leader.ts';
import { createPublisher } from './publish/publisher.ts';
import { createClusterView } from './publish/view.ts';
import { attemptId as makeAttemptId, parseAttemptId } from './runs/name.ts';
import type { Signals } from './signals.ts';
import { createArchive } from './steps/archive.ts';
import { createBlocks } from './steps/pipeline-blocks.ts';
import { createPublish } from './steps/publish.ts';
import { createReceive } from './steps/receive.ts';
import type { Step, StepName, Wake } from './steps/step.ts';
import { readUnsettled } from './store/attempts.ts';
import { createLeader, type Leader } from './store/leaders.ts';
import { readLedger, readReports, saveReport } from './store/reports.ts';

/** A replica that is silent for so long no longer leads. */
const leadMs = 15_000;
const heartbeatMs = 10_000;
/** How long a pod may wait for its node, its image, a quota: time that its task's timeout does not count. */
const pendingMs = 1_800_000;
const sweepMs = 600_000;
/** Each pod changes ten times in its life, and a pass looks at all that are live: hundreds of passes a second would say no more. */
const gatherMs = { observe: 150, archive: 300, advance: 50 };
/** Calls a second of their own for what kubectl shows: it may come later, and what runs must never wait for it. */
const forShowing = { qps: 100, burst: 200 };
/** With more calls for Jobs under way, what kubectl shows gives way: it would cost the API server as much as they do. */
const fewCalls = 8;
const defaults = { maxJobs: 100, history: 100 };

export type JobsChoice = { readonly kind: 'jobs'; readonly config: JobsConfig };

export type Cluster = Place & {
  /** Steps that only a cluster has. */
  readonly steps: readonly Step[];
  /** Who syncs, among the replicas. */
  readonly leader: Leader;
  /** Milliseconds that steps gather hints for. */
  readonly gatherMs: Readonly<Partial<Record<StepName, number>>>;
  /** Declares, from now on, what people declare by PipelineSources. */
  follow(sources: Sources): void;
};

type Options = {
  readonly choice: JobsChoice;
  /** What flags and files declare, by name: it is shown as PipelineSources. */
  readonly ownSources: ReadonlyMap<string, PipelineSourceResourceSpec>;
  readonly pool: pg.Pool;
  readonly health: Health;
  readonly signals: Signals;
  /** Wakes a step here and in the other replicas. */
  readonly wake: Wake;
  readonly failpoint: Failpoint;
  readonly log: Logger;
};

/** Tasks as Jobs of a Kubernetes cluster, and what happens shown there. Other replicas may do the same on the same store. */
export async function openCluster(options: Options): Promise<Cluster> {
  const { choice, pool, signals, failpoint, log } = options;
  const { config } = choice;
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const { signal } = stop;
  const kubernetes = createKubernetes({ log });
  const ledger = await readLedger(pool);
  const token = (attemptId: string) => createHmac('sha256', ledger.reportKey).update(attemptId).digest('base64url');

  const reports = await openReports(options, token);
  stack.defer(() => reports.close());
  const executor = createJobs({
    ...settingsOf(config),
    kubernetes,
    ledgerId: ledger.id,
    token,
    reports: { read: (attemptIds) => read(pool, attemptIds) },
    archive: createLogArchive({ pool }),
    onArchived: () => signals.wake('archive'),
    pendingMs,
    failpoint,
    log,
    signal,
  });
  executor.onChange(() => signals.wake('archive'));
  sweepNowAndThen(executor, pool, signal, log);

  const leader = createLeaders(pool);
  const isBusy = () => kubernetes.pending() > fewCalls;
  const show = openShow({ ...options, config, isBusy, leader: leader('publish'), signal });
  const logsLeader = leader('logs');
  const archive = handingOver(logsLeader, createArchive({ leader: logsLeader, archiver: executor.archiver }));
  const syncLeader = leader('sync');
  const kept = stack.move();
  return {
    executor,
    heartbeatMs,
    overdueGraceMs: pendingMs,
    bounds: onJobs(config),
    // In a pod the executor says where they lie.
    places: { artifacts: () => '', bundle: (digest) => digest },
    steps: [archive, ...show.steps],
    gatherMs,
    leader: syncLeader,
    secrets: show.secrets,
    follow: show.follow,
    close: () => kept.disposeAsync(),
  };
}

/** What this process may lead, by name. */
function createLeaders(pool: pg.Pool): (name: string) => Leader {
  const holder = `${hostname()} ${randomUUID()}`;
  return (name) => createLeader({ pool, name, holder, forMs: leadMs });
}

/** The port that runners report to. */
async function openReports({ choice, pool, health, wake, log }: Options, token: (attemptId: string) => string) {
  const reports = createReportApi({
    token,
    save: (attemptId, report) => save(pool, attemptId, report),
    health,
    // Whoever took the report may be the one whose look at the cluster hangs.
    wake: () => wake('observe'),
    log,
  });
  await reports.listen({ host: '0.0.0.0', port: choice.config.reportPort });
  return reports;
}

/** Ends what still runs of settled attempts: a replica may have died between the two. */
function sweepNowAndThen(executor: Executor, pool: pg.Pool, signal: AbortSignal, log: Logger): void {
  const sweep = async () => {
    const live = await readUnsettled(pool);
    await executor.sweep(live.map(({ runId, task, number }) => makeAttemptId(runId, task, number)));
  };
  const timer = setInterval(
    () => sweep().catch((err) => log.warn({ err }, 'Jobs of settled attempts could not be ended; tried again later')),
    sweepMs,
  );
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

function settingsOf(config: JobsConfig) {
  const { podResources, reportUrl, namespace, image, policy, ...more } = config;
  const { reportPort: _port, maxJobs = defaults.maxJobs, history: _history, resources: _shown, ...settings } = more;
  return {
    ...settings,
    namespace,
    namespaces: policy?.namespaces ?? [],
    capacity: maxJobs,
    image,
    ...(podResources === undefined ? {} : { resources: podResources }),
    reportUrl: (attemptId: string) => `${reportUrl.replace(/\/$/, '')}/api/v1/attempts/${attemptId}/report`,
  };
}

type StepParts = Options & {
  readonly config: JobsConfig;
  /** Whether many Jobs are being made. */
  readonly isBusy: () => boolean;
  readonly leader: Leader;
  readonly signal: AbortSignal;
};

/** What kubectl shows, and what people do there. */
function openShow(parts: StepParts): Pick<Cluster, 'steps' | 'secrets' | 'follow'> {
  const { config, ownSources, isBusy, pool, leader, signals, signal, wake, failpoint, log } = parts;
  const kubernetes = createKubernetes({ log, ...forShowing });
  const namespace = config.resources;
  const history = config.history ?? defaults.history;
  const blocks = createBlocks({ pool });
  let declare = () => {};
  const onChange = () => signals.wake('receive');
  const view = createClusterView({ kubernetes, namespace, signal, onChange, onSources: () => declare() });
  const sources = { own: ownSources, objects: view.sources.objects, refusalOf };
  const publisher = createPublisher({ kubernetes, namespace, history, blocks, sources, log });
  return {
    steps: [
      createReceive({ pool, leader, kubernetes, view, publisher, sources, blocks, wake, failpoint, log }),
      createPublish({ pool, leader, publisher, isBusy, failpoint, history }),
    ].map((step) => handingOver(leader, step)),
    secrets: clusterSecrets({ kubernetes, namespace }),
    follow(followers) {
      declare = () => {
        const objects = view.sources.objects();
        if (objects) followers.declare(declaredSources(objects, ownSources));
      };
      declare();
    },
  };
}

async function save(pool: pg.Pool, attemptId: string, report: TaskReport) {
  const key = parseAttemptId(attemptId);
  return key ? saveReport(pool, key, report) : 'unknown';
}

async function read(pool: pg.Pool, attemptIds: readonly string[]): Promise<ReadonlyMap<string, TaskReport>> {
  const keys = attemptIds.map(parseAttemptId).filter((key) => key !== null);
  const found = await readReports(pool, keys);
  return new Map(found.map(({ runId, task, number, report }) => [makeAttemptId(runId, task, number), report]));
}
