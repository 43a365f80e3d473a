import { pino } from 'pino';
import { createClient } from '../../controller/api/client.ts';
import { createApi } from '../../controller/api/server.ts';
import type { Executor, Observation } from '../../controller/executors/port.ts';
import { createLogs } from '../../controller/logs.ts';
import { runLoop } from '../../controller/loop.ts';
import { onProcesses } from '../../controller/manifests/place.ts';
import { createSignals } from '../../controller/signals.ts';
import { createAdmit } from '../../controller/steps/admit.ts';
import { createAdvance } from '../../controller/steps/advance.ts';
import { createIntake } from '../../controller/steps/intake.ts';
import { createLaunch } from '../../controller/steps/launch.ts';
import { createObserve } from '../../controller/steps/observe.ts';
import { createSchedule } from '../../controller/steps/schedule.ts';
import { startEmbedded } from '../../controller/store/embedded/start.ts';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool } from '../../controller/store/pool.ts';
import { createReads } from '../../controller/store/reads.ts';
import { createRequests } from '../../controller/store/requests.ts';
import { makeReport } from '../support/report.ts';
import { createFolderSync } from '../support/sync.ts';

const log = pino({ level: 'warn' });

/** The controller's own steps and API on its own Postgres, whose tasks succeed as soon as they begin. */
export async function startNoOpController(options: { dir: string; home: string }) {
  const postgres = await startEmbedded({ home: options.home, log });
  await migrate({ url: postgres.url, log });
  const pool = createPool({ url: postgres.url, log });
  const signals = createSignals();
  const stop = new AbortController();
  const executor = createNoOpExecutor();
  executor.onChange(() => signals.wake('observe'));
  const requests = createRequests({ pool });
  const health = async () => ({ ready: true, reasons: [] });
  const api = createApi({
    reads: createReads({ pool }),
    requests,
    logs: createLogs({ pool, executor }),
    health,
    wake: () => signals.wake('intake'),
    log,
  });
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  const parts = { pool, log, wake: signals.wake, failpoint: () => {} };
  const places = { artifacts: (id: number) => `/artifacts/${id}`, bundle: (digest: string) => `/bundles/${digest}` };
  const steps = [
    createFolderSync({ ...parts, dir: options.dir, place: onProcesses }),
    createIntake(parts),
    createSchedule(parts),
    createAdmit(parts),
    createLaunch({ ...parts, executor, heartbeatMs: 10_000, overdueGraceMs: 15_000, bounds: onProcesses, places }),
    createObserve({ ...parts, executor }),
    createAdvance(parts),
  ];
  const loops = Promise.all(steps.map((step) => runLoop({ step, signals, signal: stop.signal, log })));
  return {
    pool,
    client: createClient({ server: url }),
    async close(): Promise<void> {
      stop.abort();
      await loops;
      await api.close();
      await pool.end();
      await postgres.stop();
    },
  };
}

function createNoOpExecutor(): Executor {
  const reports = new Map<string, Observation>();
  let changed = () => {};
  return {
    capacity: 1000,
    async launch({ order: { attemptId } }) {
      const now = new Date().toISOString();
      const report = makeReport({ attemptId, startedAt: now, finishedAt: now, durationMs: 0 });
      reports.set(attemptId, { state: 'reported', report });
      changed();
    },
    async observe(ids) {
      return new Map(ids.map((id) => [id, reports.get(id) ?? { state: 'absent' }]));
    },
    async stop() {},
    async fence() {
      return null;
    },
    async *logs() {},
    onChange(listener) {
      changed = listener;
    },
    async sweep() {},
  };
}
