/**
 * What lists and steps take with a large history: `node test/bench/history.ts [--runs 1000000] [--months 24] [--pipelines 200]`. Makes the
 * history in a Postgres of its own, with three tasks and three attempts a run, and prints one JSON object: ms at the median and the 99th
 * percentile of each query, the size of the database, and the time in which a month of it is dropped while others read and write.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import { pino } from 'pino';
import { onProcesses } from '../../controller/manifests/place.ts';
import { admitRuns, lockSlots } from '../../controller/store/admission.ts';
import { claimAttempts } from '../../controller/store/attempts.ts';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool, transaction } from '../../controller/store/pool.ts';
import { createReads } from '../../controller/store/reads.ts';
import { dropMonth, judgeMonths } from '../../controller/store/retention.ts';
import { takeDuePipelines } from '../../controller/store/windows.ts';
import { fillHistory, threeTasks } from '../support/filled-history.ts';
import { startTestServer } from '../support/postgres-server.ts';
import { createFolderSync } from '../support/sync.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    months: { type: 'string', default: '24' },
    pipelines: { type: 'string', default: '200' },
    times: { type: 'string', default: '200' },
  },
});
const times = Number(values.times);
const day = 86_400_000;
const retention = { runsMs: 400 * day, runsPerPipeline: 1000, logsMs: 30 * day, windowsMs: null };
const log = pino({ level: 'silent' });

const server = await startTestServer();
const dir = await mkdtemp(join(tmpdir(), 'pipewright-bench-history-'));
// One statement makes millions of rows.
const pool = createPool({ url: server.url, log, answerMs: 3_600_000 });
try {
  const filledIn = await seconds(fill);
  const [counts] = (
    await pool.query(
      `select (select count(*) from runs)::int as runs, (select count(*) from tasks)::int as tasks, (select count(*) from windows)::int as windows,
       pg_database_size(current_database())::float8 as bytes`,
    )
  ).rows;
  const ms = await measureAll();
  const drop = await measureDrop();
  console.log(JSON.stringify({ ...counts, filledIn, ms, drop, load: loadavg()[0] }, null, 2));
} finally {
  await pool.end();
  await server.stop();
  await rm(dir, { recursive: true });
}

async function fill(): Promise<void> {
  await migrate({ url: server.url, log });
  const manifests = Array.from({ length: Number(values.pipelines) }, (_, n) =>
    writeFile(join(dir, `${n}.yaml`), manifest(`pipeline-${n}`)),
  );
  await Promise.all(manifests);
  const sync = createFolderSync({
    pool,
    log,
    wake: () => {},
    failpoint: () => {},
    dir,
    place: onProcesses,
  });
  await sync.pass(new AbortController().signal);
  await fillHistory(pool, { runs: Number(values.runs), months: Number(values.months) });
  // A day of work that lies before the steps: every pipeline is due, and has two runs in the queue, a quarter of them running.
  await pool.query(`update pipelines set next_due_at = now()`);
  await pool.query(
    `insert into runs (name, pipeline_id, version_id, run_no, trigger) select p.name || '-m' || k, p.id, p.version_id, 1, 'manual'
     from pipelines p cross join generate_series(1, 2) k`,
  );
  await transaction(pool, async (db) => {
    await lockSlots(db);
    await admitRuns(db, Math.ceil(Number(values.pipelines) / 4), {});
  });
  await pool.query(`update tasks set phase = 'Ready' where phase = 'Pending' and position = 0`);
  await pool.query('analyze');
}

function manifest(name: string): string {
  const spec = '  schedule: { every: hour, startAt: 2019-01-01, catchUp: latest }\n';
  return `apiVersion: pipewright.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: ${name} }\nspec:\n${spec}  blocks:\n${threeTasks}`;
}

async function measureAll() {
  const reads = createReads({ pool });
  const any = () => `pipeline-${Math.floor(Math.random() * Number(values.pipelines))}`;
  const { rows: names } = await pool.query('select name from runs order by random() limit $1', [times]);
  const { rows: pages } = await pool.query('select id from runs order by random() limit $1', [times]);
  const since = new Date(Date.now() - 2 * day);
  return {
    'runs list': await measure(() => reads.runs({ limit: 100 })),
    'runs list, any page': await measure((n) => reads.runs({ limit: 100, before: String(pages[n]?.id) })),
    'runs list, failed': await measure(() => reads.runs({ limit: 100, phase: 'Failed' })),
    'runs list of a pipeline': await measure(() => reads.runs({ limit: 100, pipeline: any() })),
    'runs list of a pipeline, failed': await measure(() =>
      reads.runs({ limit: 100, pipeline: any(), phase: 'Failed' }),
    ),
    'run detail': await measure((n) => reads.run(names[n]?.name)),
    'windows list': await measure(() => reads.windows(any(), { limit: 100 })),
    'pipelines list': await measure(() => reads.pipelines()),
    'selection of 2 days by reason': await measure(() =>
      reads.selection({ since, reason: 'OutOfMemory', phases: ['Failed'] }),
    ),
    'due scan': await measure(() => undone((db) => takeDuePipelines(db, 200))),
    admission: await measure(() =>
      undone(async (db) => {
        await lockSlots(db);
        return admitRuns(db, 200, {});
      }),
    ),
    claim: await measure(() => undone((db) => claimAttempts(db, { capacity: 1000, claimMs: 30_000, atMost: 50 }))),
    'retention looks': await measure(() => undone((db) => judgeMonths(db, retention)), 5),
  };
}

/** In a transaction that leaves nothing, so that the next one finds the same. */
async function undone(work: (db: pg.PoolClient) => Promise<unknown>): Promise<void> {
  const db = await pool.connect();
  try {
    await db.query('begin');
    await work(db);
    await db.query('rollback');
  } finally {
    db.release();
  }
}

async function measure(work: (n: number) => Promise<unknown>, count = times) {
  const took: number[] = [];
  for (let n = 0; n < count; n += 1) took.push((await seconds(() => work(n))) * 1000);
  took.sort((a, b) => a - b);
  const at = (share: number) => Math.round((took[Math.min(count - 1, Math.floor(count * share))] ?? 0) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99) };
}

/** A month of the middle, while somebody lists runs all the time: how long the drop took, and the longest that the reader waited. */
async function measureDrop() {
  const { whole } = await transaction(pool, (db) => judgeMonths(db, { ...retention, runsPerPipeline: 1 }));
  const month = whole[Math.floor(whole.length / 2)];
  if (!month) return null;
  const { rows } = await pool.query('select count(*)::int as runs from runs where id >= $1 and id < $2', [
    month.from,
    month.to,
  ]);
  const reads = createReads({ pool });
  let isOver = false;
  let longest = 0;
  const reader = (async () => {
    while (!isOver) longest = Math.max(longest, await seconds(() => reads.runs({ limit: 100 })));
  })();
  const took = await seconds(() => transaction(pool, (db) => dropMonth(db, month, 'runs')));
  isOver = true;
  await reader;
  return {
    month: month.name,
    runs: rows[0].runs,
    ms: Math.round(took * 1000),
    readersWaitedMs: Math.round(longest * 1000),
  };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
