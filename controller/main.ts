/** Wiring only: makes the parts, hands them to each other, and takes them apart in the reverse order. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { Logger } from 'pino';
import { createFailpoint } from '../schemas/failpoints.ts';
import { createApi } from './api/server.ts';
import { openDatabase } from './database.ts';
import { endRunners } from './end-runners.ts';
import type { Executor } from './executors/port.ts';
import { createProcesses } from './executors/processes/executor.ts';
import { checkFolder, watchFolder } from './git/folder.ts';
import { createLogs } from './logs.ts';
import { runLoop } from './loop.ts';
import { attemptId } from './runs/name.ts';
import { createSignals } from './signals.ts';
import { createAdmit } from './steps/admit.ts';
import { createAdvance } from './steps/advance.ts';
import { createIntake } from './steps/intake.ts';
import { createLaunch } from './steps/launch.ts';
import { createObserve } from './steps/observe.ts';
import { createSchedule } from './steps/schedule.ts';
import type { Step, Wake } from './steps/step.ts';
import { createSync } from './steps/sync.ts';
import { expireClaims, readUnsettled } from './store/attempts.ts';
import { openHome } from './store/home.ts';
import { LockedError } from './store/lock.ts';
import { createReads } from './store/reads.ts';
import { createRequests } from './store/requests.ts';

const heartbeatMs = 10_000;

export type ControllerOptions = {
  /** The folder with manifests. */
  readonly dir: string;
  /** Where the embedded Postgres, attempts, bundles, artifacts and secrets are kept. */
  readonly home: string;
  readonly port: number;
  /** A Postgres to use instead of the embedded one. */
  readonly databaseUrl?: string | undefined;
  /** Names of environment variables that connections may read, besides `POSTGRES_*`. */
  readonly allowEnv: readonly string[];
  /** How many attempts may run at once. */
  readonly maxProcesses: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly onReady?: (url: string) => void;
};

/** Runs the controller until `signal` aborts; resolves after a clean stop. */
export async function startController(options: ControllerOptions): Promise<void> {
  const { log, dir } = options;
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  options.signal.addEventListener('abort', () => stop.abort(), { once: true });

  await checkFolder(dir);
  const home = await openHome({ path: options.home });
  stack.defer(() => home.release());
  const database = await openDatabase({
    home: home.path,
    url: options.databaseUrl,
    log,
    onLost: (error) => stop.abort(error),
  });
  stack.defer(() => database.close());
  const { pool } = database;
  const executor = makeExecutor(options, home.path, database.warehouse);
  // A controller that died between settling an attempt and its process's end left that process to this one.
  await executor.sweep((await readUnsettled(pool)).map((each) => attemptId(each.runId, each.task, each.number)));
  await expireClaims(pool);
  if (!options.databaseUrl) stack.defer(() => endRunners({ pool, executor }));

  const signals = createSignals();
  executor.onChange(() => signals.wake('observe'));
  const api = createApi({
    reads: createReads({ pool }),
    requests: createRequests({ pool }),
    logs: createLogs({ pool, executor }),
    health: database.health,
    wake: () => signals.wake('intake'),
    log,
  });
  stack.defer(() => api.close());
  const url = await api.listen({ host: '127.0.0.1', port: options.port });
  watchFolder({ dir, onChange: () => signals.wake('sync'), signal: stop.signal });
  options.onReady?.(url);

  const steps = makeSteps(options, { pool, executor, home: home.path, wake: signals.wake });
  await Promise.all(steps.map((step) => runLoop({ step, signals, signal: stop.signal, log })));
  if (stop.signal.reason instanceof LockedError) throw stop.signal.reason;
}

function makeExecutor(options: ControllerOptions, home: string, warehouse: Record<string, string>): Executor {
  const { environment, allowEnv, maxProcesses, log } = options;
  return createProcesses({
    home,
    capacity: maxProcesses,
    // A warehouse of one's own is all of one's own: half of it would mix two servers.
    environment: environment.POSTGRES_HOST ? environment : { ...environment, ...warehouse },
    allowEnvironment: (name) => name.startsWith('POSTGRES_') || allowEnv.includes(name),
    secretsDir: join(home, 'secrets'),
    runner: fileURLToPath(new URL('../runner/main.ts', import.meta.url)),
    heartbeatMs,
    log,
    failpoint: createFailpoint(environment),
  });
}

function makeSteps(
  { dir, environment, log }: ControllerOptions,
  { pool, executor, home, wake }: { pool: pg.Pool; executor: Executor; home: string; wake: Wake },
): Step[] {
  const parts = { pool, wake, failpoint: createFailpoint(environment), log };
  const places = {
    artifacts: (runId: number) => join(home, 'artifacts', String(runId)),
    bundle: (digest: string) => join(home, 'bundles', `${digest}.json`),
  };
  return [
    createSync({ ...parts, dir }),
    createIntake(parts),
    createSchedule(parts),
    createAdmit(parts),
    createLaunch({ ...parts, executor, heartbeatMs, places }),
    createObserve({ ...parts, executor }),
    createAdvance(parts),
  ];
}
