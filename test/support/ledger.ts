import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { pino } from 'pino';
import { onProcesses, type TaskPlace } from '../../controller/manifests/place.ts';
import { createAdmit } from '../../controller/steps/admit.ts';
import { createAdvance } from '../../controller/steps/advance.ts';
import { createIntake } from '../../controller/steps/intake.ts';
import { createLaunch } from '../../controller/steps/launch.ts';
import { createObserve } from '../../controller/steps/observe.ts';
import { createSchedule } from '../../controller/steps/schedule.ts';
import type { Step, Wake } from '../../controller/steps/step.ts';
import type { Limits } from '../../controller/store/admission.ts';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool } from '../../controller/store/pool.ts';
import { createRequests, type RequestKind, type RequestResult } from '../../controller/store/requests.ts';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { createFakeExecutor } from './fake-executor.ts';
import { createTestDatabase } from './postgres.ts';
import { createFolderSync } from './sync.ts';

const log = pino({ level: 'silent' });

/** The steps on a real Postgres, on manifests in a real folder, with a fake executor; the test runs the passes. */
export async function createTestLedger(
  options: { capacity?: number; publishes?: boolean; bounds?: TaskPlace; limits?: Limits } = {},
) {
  const database = await createTestDatabase();
  const dir = await mkdtemp(join(tmpdir(), 'pipewright-manifests-'));
  await migrate({ url: database.url, log });
  const pool = createPool({ url: database.url, log, publishes: options.publishes ?? false });
  const fake = createFakeExecutor(options);
  const { bounds = onProcesses, limits = {} } = options;
  const places = { artifacts: (id: number) => `/artifacts/${id}`, bundle: (digest: string) => `/bundles/${digest}` };
  /** A controller on this ledger, beside the first one. What `failpoint` throws is to it as a crash. */
  function start(own: { failpoint?: Failpoint; wake?: Wake; pool?: pg.Pool } = {}) {
    const parts = { pool, log, wake: () => {}, failpoint: () => {}, ...own };
    return {
      sync: createFolderSync({ ...parts, dir, place: bounds }),
      intake: createIntake(parts),
      schedule: createSchedule(parts),
      admit: createAdmit({ ...parts, limits }),
      launch: createLaunch({
        ...parts,
        executor: fake.executor,
        heartbeatMs: 1000,
        overdueGraceMs: 15_000,
        bounds,
        places,
      }),
      observe: createObserve({ ...parts, executor: fake.executor }),
      advance: createAdvance(parts),
    };
  }
  const steps = start();

  async function pass(...names: (keyof typeof steps)[]): Promise<void> {
    const signal = new AbortController().signal;
    for (const name of names) {
      const step: Step = steps[name];
      while ((await step.pass(signal)).kind === 'again');
      await step.finish?.();
    }
  }

  return {
    pool,
    fake,
    dir,
    start,
    pass,
    /** One round of every step, in the order of the data. */
    round: () =>
      pass(
        'sync',
        'intake',
        'schedule',
        'admit',
        'advance',
        'launch',
        'observe',
        'advance',
        'admit',
        'advance',
        'launch',
      ),
    async write(files: Record<string, string | null>): Promise<void> {
      for (const [path, text] of Object.entries(files)) {
        const full = join(dir, path);
        await mkdir(dirname(full), { recursive: true });
        if (text === null) await rm(full);
        else await writeFile(full, text);
      }
    },
    async ask(kind: RequestKind, body: Record<string, unknown>): Promise<RequestResult> {
      const requests = createRequests({ pool });
      const id = await requests.submit({ kind, body, actor: 'test' });
      await pass('intake');
      return (await requests.result(id)) as RequestResult;
    },
    query: async (sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows,
    async runs(): Promise<string[]> {
      const { rows } = await pool.query(
        `select name || ' ' || phase || coalesce(' ' || reason, '') as line from runs order by name`,
      );
      return rows.map((row) => row.line);
    },
    async close(): Promise<void> {
      await pool.end();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type TestLedger = Awaited<ReturnType<typeof createTestLedger>>;

/** A pipeline of one inline block, with lines of YAML put into its spec. */
export function manifest(
  name: string,
  spec = '',
  blocks = '    - name: one\n      load: { inline: { rows: [{ n: 1 }] } }\n',
): string {
  return `apiVersion: pipewright.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: ${name} }\nspec:\n${spec.replace(/^(?=.)/gm, '  ')}  blocks:\n${blocks}`;
}
