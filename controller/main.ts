/** Wiring only: makes the parts, hands them to each other, and takes them apart in the reverse order. */
import { resolve } from 'node:path';
import type pg from 'pg';
import type { Logger } from 'pino';
import { createFailpoint, type Failpoint } from '../schemas/failpoints.ts';
import type { PipelineSourceResourceSpec } from '../schemas/generated/types.ts';
import { createHookApi } from './api/hook-server.ts';
import { createApi } from './api/server.ts';
import type { Cluster, JobsChoice } from './cluster.ts';
import { type Database, openDatabase } from './database.ts';
import type { Executor } from './executors/port.ts';
import { checkFolder } from './git/folder.ts';
import { createSources, type Given, type Sources } from './git/sources.ts';
import { createLogs } from './logs.ts';
import { runLoop } from './loop.ts';
import { createNotifications } from './notifications.ts';
import { openMachine, type Place, type ProcessesChoice } from './one-machine.ts';
import { onlyLeader } from './only-leader.ts';
import { createSignals, type Signals } from './signals.ts';
import { createAdmit } from './steps/admit.ts';
import { createAdvance } from './steps/advance.ts';
import { createAnnounce } from './steps/announce.ts';
import { createIntake } from './steps/intake.ts';
import { createLaunch } from './steps/launch.ts';
import { createObserve } from './steps/observe.ts';
import { createRetain } from './steps/retain.ts';
import { createSchedule } from './steps/schedule.ts';
import type { Step, StepName, Wake } from './steps/step.ts';
import { createSync } from './steps/sync.ts';
import type { Limits } from './store/admission.ts';
import { openHome } from './store/home.ts';
import { LockedError } from './store/lock.ts';
import { TooOldError } from './store/migrate.ts';
import { createReads } from './store/reads.ts';
import { createRequests } from './store/requests.ts';
import type { Retention } from './store/retention.ts';

export type ControllerOptions = {
  /** Where manifests come from, by flags and files. */
  readonly sources: readonly Given[];
  /** Where a forge tells of pushes; nowhere without it. */
  readonly hooks?: { readonly host: string; readonly port: number; readonly secret: string };
  /** Where the embedded Postgres, attempts, bundles, artifacts and secrets are kept. */
  readonly home: string;
  readonly port: number;
  /** A Postgres to use instead of the embedded one. */
  readonly databaseUrl?: string | undefined;
  readonly executor: ProcessesChoice | JobsChoice;
  /** Runs at once, of all pipelines and of each source. */
  readonly limits?: Limits;
  /** How long history is kept; for ever without it. */
  readonly retention?: Retention;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly onReady?: (url: string) => void;
};

/** Runs the controller until `signal` aborts; resolves after a clean stop. */
export async function startController(options: ControllerOptions): Promise<void> {
  const { log, executor: choice } = options;
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  options.signal.addEventListener('abort', () => stop.abort(), { once: true });

  await checkFolders(options.sources);
  const home = await openHome({ path: options.home });
  stack.defer(() => home.release());
  const database = await openDatabase({
    home: home.path,
    url: options.databaseUrl,
    shared: choice.kind === 'jobs',
    log,
    onLost: (error) => stop.abort(error),
  });
  stack.defer(() => database.close());
  const { pool } = database;
  const signals = createSignals();
  const sources = createSources({
    home: home.path,
    given: options.sources,
    // Asked for when a source is read, which is after the place was opened.
    secrets: { read: (...which) => place.secrets.read(...which) },
    declared: choice.kind === 'jobs',
    onHint: () => signals.wake('sync'),
    signal: stop.signal,
  });
  const wake = carryHints(options, choice, { signals, sources }, stack);
  const failpoint = createFailpoint(options.environment);
  const place = await openPlace(options, choice, { database, home: home.path, signals, wake, failpoint });
  stack.defer(() => place.close());
  if ('follow' in place) place.follow(sources);
  const { executor } = place;
  executor.onChange(() => signals.wake('observe'));

  const url = await openApi(options, { database, executor, wake }, stack);
  const onPush = () => {
    sources.hint();
    wake('sync');
  };
  if (options.hooks) await openHooks(options.hooks, { onPush, log }, stack);
  options.onReady?.(url);

  const steps = makeSteps(options, sources, pool, place, { wake, failpoint });
  const gather = 'gatherMs' in place ? place.gatherMs : {};
  await Promise.all(
    steps.map((step) => runLoop({ step, signals, signal: stop.signal, log, gatherMs: gather[step.name] ?? 0 })),
  );
  const { reason } = stop.signal;
  if (reason instanceof LockedError || reason instanceof TooOldError) throw reason;
}

async function openApi(
  { limits, port, log }: ControllerOptions,
  { database, executor, wake }: { database: Database; executor: Executor; wake: Wake },
  stack: AsyncDisposableStack,
): Promise<string> {
  const { pool, health } = database;
  const api = createApi({
    reads: createReads({ pool, ...(limits && { limits }) }),
    requests: createRequests({ pool }),
    logs: createLogs({ pool, executor }),
    health,
    wake: () => wake('intake'),
    log,
  });
  stack.defer(() => api.close());
  return api.listen({ host: '127.0.0.1', port });
}

async function openHooks(
  { secret, ...address }: NonNullable<ControllerOptions['hooks']>,
  { onPush, log }: { onPush: () => void; log: Logger },
  stack: AsyncDisposableStack,
): Promise<void> {
  const hooks = createHookApi({ secret, onPush, log });
  stack.defer(() => hooks.close());
  log.info({ url: `${await hooks.listen(address)}/hooks/git` }, 'pushes can be told of');
}

/** A folder that is not there at the start is a mistake in the call, and not something to wait for. */
async function checkFolders(given: readonly Given[]): Promise<void> {
  for (const { declaration } of given) {
    const { folder, suspend } = declaration.spec;
    if (folder && !suspend) await checkFolder(folder.path);
  }
}

async function openPlace(
  { environment, databaseUrl, sources, log }: ControllerOptions,
  choice: ProcessesChoice | JobsChoice,
  parts: { database: Database; home: string; signals: Signals; wake: Wake; failpoint: Failpoint },
): Promise<Place | Cluster> {
  const { database, home, ...more } = parts;
  const { pool, warehouse, health } = database;
  if (choice.kind === 'processes')
    return openMachine({ choice, home, warehouse, environment, pool, endWithStore: !databaseUrl, log });
  // One machine need not load the client of a cluster.
  const { openCluster } = await import('./cluster.ts');
  const ownSources = new Map(sources.map(({ declaration: { name, spec } }) => [name, withWholePath(spec)]));
  return openCluster({ ...more, choice, ownSources, pool, health, log });
}

/** As it may stand in an object. */
function withWholePath({ folder, ...spec }: PipelineSourceResourceSpec): PipelineSourceResourceSpec {
  return { ...spec, ...(folder && { folder: { ...folder, path: resolve(folder.path) } }) };
}

/** Among replicas, what wakes a step here wakes it everywhere: any of them may be the one to do it. */
function carryHints(
  { databaseUrl, log }: ControllerOptions,
  choice: ProcessesChoice | JobsChoice,
  { signals, sources }: { signals: Signals; sources: Sources },
  stack: AsyncDisposableStack,
): Wake {
  if (choice.kind === 'processes' || !databaseUrl) return signals.wake;
  const onWake = (step: StepName) => {
    // Another replica was told of a push, and this one may be the one that syncs.
    if (step === 'sync') sources.hint();
    else signals.wake(step);
  };
  const notifications = createNotifications({ url: databaseUrl, log, onWake });
  stack.defer(() => notifications.close());
  return (...steps) => {
    signals.wake(...steps);
    notifications.notify(steps);
  };
}

function makeSteps(
  { limits = {}, retention, log }: ControllerOptions,
  sources: Sources,
  pool: pg.Pool,
  place: Place | Cluster,
  more: { wake: Wake; failpoint: Failpoint },
): Step[] {
  const parts = { ...more, pool, log };
  const { executor } = place;
  const sync = { ...parts, sources, place: place.bounds };
  return [
    'leader' in place
      ? onlyLeader(place.leader, (assertOwner, term) => createSync({ ...sync, assertOwner, term }))
      : createSync(sync),
    createIntake({ ...parts, hasArtifact: place.hasArtifact }),
    createSchedule(parts),
    createAdmit({ ...parts, limits }),
    createLaunch({ ...parts, ...place }),
    createObserve({ ...parts, executor }),
    createAdvance(parts),
    createAnnounce({ ...parts, sources: sources.current }),
    ...(retention ? [createRetain({ ...parts, retention, sweep: place.sweep })] : []),
    ...('steps' in place ? place.steps : []),
  ];
}
