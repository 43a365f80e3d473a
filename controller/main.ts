/** Wiring only: makes the parts, hands them to each other, and takes them apart in the reverse order. */
import { join } from 'node:path';
import type pg from 'pg';
import type { Logger } from 'pino';
import { createFailpoint, type Failpoint } from '../schemas/failpoints.ts';
import { createHookApi } from './api/hook-server.ts';
import { createApi } from './api/server.ts';
import type { Cluster, JobsChoice } from './cluster.ts';
import { type Database, openDatabase } from './database.ts';
import { checkFolder, watchFolder } from './git/folder.ts';
import { createMirror, type Remote } from './git/mirror.ts';
import { folderSource, gitSource, type Source } from './git/source.ts';
import { createLogs } from './logs.ts';
import { runLoop } from './loop.ts';
import { createNotifications } from './notifications.ts';
import { openMachine, type Place, type ProcessesChoice } from './one-machine.ts';
import { onlyLeader } from './only-leader.ts';
import { createSignals, type Signals } from './signals.ts';
import { createAdmit } from './steps/admit.ts';
import { createAdvance } from './steps/advance.ts';
import { createIntake } from './steps/intake.ts';
import { createLaunch } from './steps/launch.ts';
import { createObserve } from './steps/observe.ts';
import { createRetain } from './steps/retain.ts';
import { createSchedule } from './steps/schedule.ts';
import type { Step, Wake } from './steps/step.ts';
import { createSync } from './steps/sync.ts';
import type { Limits } from './store/admission.ts';
import { openHome } from './store/home.ts';
import { LockedError } from './store/lock.ts';
import { TooOldError } from './store/migrate.ts';
import { createReads } from './store/reads.ts';
import { createRequests } from './store/requests.ts';
import type { Retention } from './store/retention.ts';

export type ControllerOptions = {
  /** The folder with manifests; not looked at where there is `git`. */
  readonly dir: string;
  readonly git?: { readonly remote: Remote; readonly everyMs: number };
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

  if (!options.git) await checkFolder(options.dir);
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
  const { pool, health } = database;
  const signals = createSignals();
  const wake = carryHints(options, choice, signals, stack);
  const failpoint = createFailpoint(options.environment);
  const place = await openPlace(options, choice, { database, home: home.path, signals, wake, failpoint });
  stack.defer(() => place.close());
  const { executor } = place;
  executor.onChange(() => signals.wake('observe'));

  const api = createApi({
    reads: createReads({ pool, ...(options.limits && { limits: options.limits }) }),
    requests: createRequests({ pool }),
    logs: createLogs({ pool, executor }),
    health,
    wake: () => wake('intake'),
    log,
  });
  stack.defer(() => api.close());
  const url = await api.listen({ host: '127.0.0.1', port: options.port });
  if (options.hooks) await openHooks(options.hooks, { onPush: () => wake('sync'), log }, stack);
  const source = openSource(options, { home: home.path, onChange: () => signals.wake('sync'), signal: stop.signal });
  options.onReady?.(url);

  const steps = makeSteps({ ...options, source }, pool, place, { wake, failpoint });
  const gather = 'gatherMs' in place ? place.gatherMs : {};
  await Promise.all(
    steps.map((step) => runLoop({ step, signals, signal: stop.signal, log, gatherMs: gather[step.name] ?? 0 })),
  );
  const { reason } = stop.signal;
  if (reason instanceof LockedError || reason instanceof TooOldError) throw reason;
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

function openSource(
  { dir, git }: ControllerOptions,
  { home, onChange, signal }: { home: string; onChange: () => void; signal: AbortSignal },
): Source {
  if (git) return gitSource({ ...git, mirror: createMirror({ dir: join(home, 'mirror'), remote: git.remote }) });
  watchFolder({ dir, onChange, signal });
  return folderSource(dir);
}

async function openPlace(
  { environment, databaseUrl, log }: ControllerOptions,
  choice: ProcessesChoice | JobsChoice,
  parts: { database: Database; home: string; signals: Signals; wake: Wake; failpoint: Failpoint },
): Promise<Place | Cluster> {
  const { database, home, ...more } = parts;
  const { pool, warehouse, health } = database;
  if (choice.kind === 'processes')
    return openMachine({ choice, home, warehouse, environment, pool, endWithStore: !databaseUrl, log });
  // One machine need not load the client of a cluster.
  const { openCluster } = await import('./cluster.ts');
  return openCluster({ ...more, choice, pool, health, log });
}

/** Among replicas, what wakes a step here wakes it everywhere: any of them may be the one to do it. */
function carryHints(
  { databaseUrl, log }: ControllerOptions,
  choice: ProcessesChoice | JobsChoice,
  signals: Signals,
  stack: AsyncDisposableStack,
): Wake {
  if (choice.kind === 'processes' || !databaseUrl) return signals.wake;
  const notifications = createNotifications({ url: databaseUrl, log, onWake: (step) => signals.wake(step) });
  stack.defer(() => notifications.close());
  return (...steps) => {
    signals.wake(...steps);
    notifications.notify(steps);
  };
}

function makeSteps(
  { source, limits = {}, retention, log }: ControllerOptions & { source: Source },
  pool: pg.Pool,
  place: Place | Cluster,
  more: { wake: Wake; failpoint: Failpoint },
): Step[] {
  const parts = { ...more, pool, log };
  const { executor } = place;
  const sync = { ...parts, source, place: place.bounds };
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
    ...(retention ? [createRetain({ ...parts, retention, sweep: place.sweep })] : []),
    ...('steps' in place ? place.steps : []),
  ];
}
