/** Wiring only: makes the parts, hands them to each other, and takes them apart in the reverse order. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createFailpoint } from '../schemas/failpoints.ts';
import { createApi } from './api/server.ts';
import { createProcesses } from './executors/processes/executor.ts';
import { watchFolder } from './git/folder.ts';
import { createLogs } from './logs.ts';
import { endRunners } from './end-runners.ts';
import { runLoop } from './loop.ts';
import { attemptId } from './runs/name.ts';
import { createSignals } from './signals.ts';
import { createAdmit } from './steps/admit.ts';
import { createAdvance } from './steps/advance.ts';
import { createIntake } from './steps/intake.ts';
import { createLaunch } from './steps/launch.ts';
import { createObserve } from './steps/observe.ts';
import { createSchedule } from './steps/schedule.ts';
import type { Step } from './steps/step.ts';
import { createSync } from './steps/sync.ts';
import { openDatabase } from './database.ts';
import { createReads } from './store/reads.ts';
import { createRequests } from './store/requests.ts';
import { readUnsettled } from './store/attempts.ts';
import { openHome } from './store/home.ts';

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
  let fatal: Error | null = null;

  const home = await openHome({ path: options.home });
  stack.defer(() => home.release());
  const database = await openDatabase({
    home: home.path,
    url: options.databaseUrl,
    log,
    onLost: (error) => {
      fatal = error;
      stop.abort();
    },
  });
  stack.defer(() => database.close());
  const { pool } = database;
  const failpoint = createFailpoint(options.environment);
  const executor = createProcesses({
    home: home.path,
    capacity: options.maxProcesses,
    // A warehouse of one's own is all of one's own: half of it would mix two servers.
    environment: options.environment.POSTGRES_HOST ? options.environment : { ...options.environment, ...database.warehouse },
    allowEnvironment: (name) => name.startsWith('POSTGRES_') || options.allowEnv.includes(name),
    secretsDir: join(home.path, 'secrets'),
    runner: fileURLToPath(new URL('../runner/main.ts', import.meta.url)),
    heartbeatMs,
    log,
    failpoint,
  });
  // A controller that died between settling an attempt and its process's end left that process to this one.
  await executor.sweep((await readUnsettled(pool)).map((each) => attemptId(each.runId, each.task, each.number)));
  if (!options.databaseUrl) stack.defer(() => endRunners({ pool, executor }));
  const signals = createSignals();
  const { wake } = signals;
  executor.onChange(() => wake('observe'));

  const parts = { pool, wake, failpoint, log };
  const places = {
    artifacts: (runId: number) => join(home.path, 'artifacts', String(runId)),
    bundle: (digest: string) => join(home.path, 'bundles', `${digest}.json`),
  };
  const steps: Step[] = [
    createSync({ ...parts, dir }),
    createIntake(parts),
    createSchedule(parts),
    createAdmit(parts),
    createLaunch({ ...parts, executor, heartbeatMs, places }),
    createObserve({ ...parts, executor }),
    createAdvance(parts),
  ];
  const api = createApi({
    reads: createReads({ pool }),
    requests: createRequests({ pool }),
    logs: createLogs({ pool, executor }),
    health: database.health,
    wake: () => wake('intake'),
    log,
  });
  stack.defer(() => api.close());
  const url = await api.listen({ host: '127.0.0.1', port: options.port });
  watchFolder({ dir, onChange: () => wake('sync'), signal: stop.signal });
  options.onReady?.(url);
  await Promise.all(steps.map((step) => runLoop({ step, signals, signal: stop.signal, log })));
  if (fatal) throw fatal;
}
