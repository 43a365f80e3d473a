import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRetain } from '../../controller/steps/retain.ts';
import { createReads } from '../../controller/store/reads.ts';
import { fillHistory, makeDue, threeTasks } from '../support/filled-history.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

const names = Array.from({ length: 40 }, (_, n) => `pipeline-${String(n).padStart(2, '0')}`);
/** A table that grows with history, or a partition of one. */
const grows = /^(runs|tasks|attempts|windows|logs|log_chunks|backfill_windows)(_\d{4}_\d\d)?$/;
/** Of so few rows a sequential scan is the best plan. */
const few = 1_000;

const autoExplain = {
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_format': 'json',
  'auto_explain.log_nested_statements': 'on',
  'auto_explain.log_level': 'notice',
};

let ledger: TestLedger;
const seen: { statement: string; plan: Plan }[] = [];

type Plan = { 'Node Type': string; 'Relation Name'?: string; Plans?: Plan[] };

beforeAll(async () => {
  ledger = await createTestLedger();
  const spec = 'schedule: { every: day, startAt: 2019-01-01, catchUp: latest, deadline: 1h }\nmaxActiveRuns: 5\n';
  await ledger.write(Object.fromEntries(names.map((name) => [`${name}.yaml`, manifest(name, spec, threeTasks)])));
  await ledger.pass('sync');
  await fillHistory(ledger.pool, { runs: 60_000, months: 3 });
  // Every connection made from here on tells the plan of each statement that it executes, also of those within functions.
  for (const [name, value] of Object.entries(autoExplain))
    await ledger.query(
      `do $$ begin execute format('alter database %I set ${name} = ''${value}''', current_database()); end $$`,
    );
  const idle = await Promise.all(Array.from({ length: 10 }, () => ledger.pool.connect()));
  for (const client of idle) client.release(true);
  ledger.pool.on('connect', (client) => client.on('notice', ({ message = '' }) => keep(message)));
});
afterAll(() => ledger.close());

function keep(message: string): void {
  const json = /^duration: .* plan:\s*(\{.*\})\s*$/s.exec(message)?.[1];
  if (json === undefined) return;
  const { 'Query Text': statement, Plan: plan } = JSON.parse(json);
  seen.push({ statement, plan });
}

/** What was scanned from end to end since the last call, of tables that grow and are large: `TABLE: STATEMENT`. */
async function sequentialScans(): Promise<string[]> {
  const statements = seen.splice(0);
  expect(statements.length).toBeGreaterThan(0);
  const rows = await ledger.query(`select relname from pg_class where reltuples >= $1 and relkind in ('r', 'p')`, [
    few,
  ]);
  const large = new Set(rows.map(({ relname }) => relname));
  const found = statements.flatMap(({ statement, plan }) =>
    scanned(plan)
      .filter((table) => grows.test(table) && large.has(table))
      .map((table) => `${table.replace(/_\d{4}_\d\d$/, '')}: ${statement.replaceAll(/\s+/g, ' ')}`),
  );
  return [...new Set(found)];
}

function scanned(plan: Plan): string[] {
  const own = plan['Node Type'] === 'Seq Scan' ? [plan['Relation Name'] ?? ''] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scanned)];
}

it('a scan of a whole table is noticed', async () => {
  await ledger.query(`select count(*) from runs where message = 'x'`);
  expect((await sequentialScans()).join('\n')).toMatch(/^runs: select count/);
});

it('no list or detail scans history', async () => {
  const reads = createReads({ pool: ledger.pool });
  const pipeline = names[3] as string;
  const page = await reads.runs({ limit: 100 });
  await reads.runs({ limit: 100, before: page?.next ?? '' });
  await reads.runs({ limit: 100, phase: 'Failed' });
  await reads.runs({ limit: 100, phase: 'Queued' });
  await reads.runs({ limit: 100, pipeline });
  await reads.runs({ limit: 100, pipeline, phase: 'Failed' });
  await reads.run(page?.runs[0]?.name ?? '');
  const windows = await reads.windows(pipeline, { limit: 100 });
  await reads.windows(pipeline, { limit: 100, before: windows?.next ?? '' });
  await reads.pipelines();
  await reads.usage(pipeline);
  await reads.runManifest(page?.runs[0]?.name ?? '');
  await reads.pipelineManifest(pipeline);
  await reads.planFacts(names);
  await reads.backfills({});
  const since = new Date(Date.now() - 2 * 86_400_000);
  await reads.selection({ since, pipeline: 'pipeline-*', reason: 'OutOfMemory', phases: ['Failed'] });
  await reads.selection({ phases: ['Queued', 'Running'] });
  const calendars = await reads.calendars(pipeline);
  if (calendars && 'id' in calendars) await reads.span(calendars.id, { from: since, to: new Date() });
  expect(await sequentialScans()).toEqual([]);
});

it('no step scans history on the way of a run from due to settled', async () => {
  await makeDue(ledger.pool, names.length);
  for (let round = 0; round < 5; round += 1) {
    await ledger.pass('intake', 'schedule', 'admit', 'advance', 'launch', 'observe');
    ledger.fake.endAll('Succeeded');
    await ledger.pass('observe', 'advance');
  }
  expect(ledger.fake.launches).toHaveLength(3 * names.length);
  expect(await sequentialScans()).toEqual([]);
});

it('no request scans history', async () => {
  const pipeline = names[5] as string;
  const [{ name }] = await ledger.query(`select name from runs where phase = 'Failed' order by id desc limit 1`);
  expect(await ledger.ask('rerun', { run: name, from: 'failed' })).toHaveProperty('run');
  expect(await ledger.ask('run', { pipeline })).toHaveProperty('run');
  expect(await ledger.ask('backfill', { pipeline, from: '2019-01', to: '2019-03' })).toMatchObject({ windows: 59 });
  await ledger.pass('schedule', 'admit');
  expect(await sequentialScans()).toEqual([]);
});

it('retention looks for what is past its time without a scan of what is not', async () => {
  const day = 86_400_000;
  const retention = { runsMs: 400 * day, runsPerPipeline: 100, logsMs: 400 * day, windowsMs: null };
  const log = pino({ level: 'silent' });
  await createRetain({ pool: ledger.pool, retention, failpoint: () => {}, log }).pass(new AbortController().signal);
  expect(await sequentialScans()).toEqual([]);
});
