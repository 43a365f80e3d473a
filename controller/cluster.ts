import { createHmac, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { JobsConfig, TaskReport } from '../schemas/generated/types.ts';
import type { Health } from './api/app.ts';
import { createReportApi } from './api/report-server.ts';
import { createJobs } from './executors/jobs/executor.ts';
import type { Executor } from './executors/port.ts';
import { createKubernetes, type Kubernetes } from './kubernetes/client.ts';
import type { Place } from './one-machine.ts';
import { createPublisher } from './publish/publisher.ts';
import { createClusterView } from './publish/view.ts';
import { attemptId as makeAttemptId, parseAttemptId } from './runs/name.ts';
import type { Signals } from './signals.ts';
import { createBlocks } from './steps/pipeline-blocks.ts';
import { createPublish } from './steps/publish.ts';
import { createReceive } from './steps/receive.ts';
import type { Step } from './steps/step.ts';
import { readUnsettled } from './store/attempts.ts';
import { createLeader, type Leader } from './store/leaders.ts';
import { readLedger, readReports, saveReport } from './store/reports.ts';

/** A replica that is silent for so long no longer leads. */
const leadMs = 15_000;
const heartbeatMs = 10_000;
/** How long a pod may wait for its node, its image, a quota: time that its task's timeout does not count. */
const pendingMs = 1_800_000;
const sweepMs = 600_000;
const defaults = { maxJobs: 100, history: 100 };

export type JobsChoice = { readonly kind: 'jobs'; readonly config: JobsConfig };

export type Cluster = Place & {
  /** Steps that only a cluster has. */
  readonly steps: readonly Step[];
  /** Who syncs, among the replicas. */
  readonly leader: Leader;
};

type Options = {
  readonly choice: JobsChoice;
  readonly pool: pg.Pool;
  readonly health: Health;
  readonly signals: Signals;
  readonly log: Logger;
};

/** Tasks as Jobs of a Kubernetes cluster, and what happens shown there. Other replicas may do the same on the same store. */
export async function openCluster({ choice, pool, health, signals, log }: Options): Promise<Cluster> {
  const { config } = choice;
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const { signal } = stop;
  const kubernetes = createKubernetes({ log });
  const ledger = await readLedger(pool);
  const token = (attemptId: string) => createHmac('sha256', ledger.reportKey).update(attemptId).digest('base64url');

  const reports = createReportApi({
    token,
    save: (attemptId, report) => save(pool, attemptId, report),
    health,
    wake: () => signals.wake('observe'),
    log,
  });
  stack.defer(() => reports.close());
  await reports.listen({ host: '0.0.0.0', port: config.reportPort });
  const executor = createJobs({
    ...settingsOf(config),
    kubernetes,
    ledgerId: ledger.id,
    token,
    reports: { read: (attemptIds) => read(pool, attemptIds) },
    capacity: config.maxJobs ?? defaults.maxJobs,
    pendingMs,
    log,
    signal,
  });
  sweepNowAndThen(executor, pool, signal, log);

  const holder = `${hostname()} ${randomUUID()}`;
  const leader = (name: string) => {
    const one = createLeader({ pool, name, holder, forMs: leadMs });
    stack.defer(() => one.release());
    return one;
  };
  const steps = makeSteps({ config, pool, kubernetes, leader: leader('publish'), signals, signal, log });
  const syncLeader = leader('sync');
  const kept = stack.move();
  return {
    executor,
    heartbeatMs,
    overdueGraceMs: pendingMs,
    // In a pod the executor says where they lie.
    places: { artifacts: () => '', bundle: (digest) => digest },
    steps,
    leader: syncLeader,
    close: () => kept.disposeAsync(),
  };
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
  const { podResources, reportUrl, namespace, image, ...more } = config;
  const { reportPort: _port, maxJobs: _jobs, history: _history, resources: _shown, ...settings } = more;
  return {
    ...settings,
    namespace,
    image,
    ...(podResources === undefined ? {} : { resources: podResources }),
    reportUrl: (attemptId: string) => `${reportUrl.replace(/\/$/, '')}/api/v1/attempts/${attemptId}/report`,
  };
}

function makeSteps(parts: {
  config: JobsConfig;
  pool: pg.Pool;
  kubernetes: Kubernetes;
  leader: Leader;
  signals: Signals;
  signal: AbortSignal;
  log: Logger;
}): Step[] {
  const { config, pool, kubernetes, leader, signals, signal, log } = parts;
  const namespace = config.resources;
  const history = config.history ?? defaults.history;
  const blocks = createBlocks({ pool });
  const publisher = createPublisher({ kubernetes, namespace, history, blocks, log });
  const view = createClusterView({ kubernetes, namespace, signal, onChange: () => signals.wake('receive') });
  return [
    createReceive({ pool, leader, kubernetes, view, publisher, blocks, wake: signals.wake, log }),
    createPublish({ pool, leader, publisher, history }),
  ];
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
