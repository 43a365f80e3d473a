import { afterAll, beforeAll, expect, test } from 'vitest';
import { createReads } from '../../controller/store/reads.ts';
import { fillHistory, threeTasks } from '../support/filled-history.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';

let ledger: TestLedger;
const names = Array.from({ length: 20 }, (_, n) => `pipeline-${n + 10}`);
const daily = 'schedule: { every: day, startAt: 2019-01-01, catchUp: latest }\nmaxActiveRuns: 500\n';

beforeAll(async () => {
  ledger = await createTestLedger({ capacity: 1000 });
  const waits =
    '    - { name: ready, wait: { pipeline: pipeline-10 } }\n    - { name: more, wait: { pipeline: pipeline-11 } }\n';
  const files = names.map((name) => [`${name}.yaml`, manifest(name, daily, threeTasks)]);
  await ledger.write({ ...Object.fromEntries(files), 'down.yaml': manifest('down', daily, waits) });
  await ledger.pass('sync');
  await fillHistory(ledger.pool, { runs: 60_000, months: 3 });
  await ledger.query('update pipelines set next_due_at = null');
  await ledger.query('analyze');
});
afterAll(() => ledger.close());

/** Scans from end to end so far, of tables that grow with history and are not small. */
async function scans(): Promise<unknown[]> {
  // Postgres counts for certain only when a connection has ended.
  const open = await Promise.all(Array.from({ length: ledger.pool.options.max }, () => ledger.pool.connect()));
  for (const client of open) client.release(true);
  const others = () => ledger.query('select from pg_stat_activity where datname = current_database()');
  await expect.poll(async () => (await others()).length).toBe(1);
  return ledger.query(
    `select s.relname, s.seq_scan from pg_stat_user_tables s join pg_class c on c.oid = s.relid
     where c.reltuples > 1000 and s.relname ~ '^(runs|tasks|attempts|windows)' order by 1`,
  );
}

test('neither making runs wait, nor waking them, nor telling of them scans the history', async () => {
  const [{ from, to }] = (await ledger.query(
    `select max(start_at) - interval '40 days' as "from", max(start_at) as "to" from windows w join pipelines p on p.id = pipeline_id and name = 'down'`,
  )) as [{ from: Date; to: Date }];
  const before = await scans();
  const range = { pipeline: 'pipeline-10', from: from.toISOString(), to: to.toISOString() };
  await ledger.ask('backfill', { ...range, rerun: 'all', maxActiveRuns: 100, dependents: true });
  for (let rounds = 0; rounds < 2; rounds++) await ledger.pass('schedule', 'admit', 'advance', 'launch');
  const waiting = await ledger.query('select run_id from waits');
  expect(waiting.length).toBeGreaterThan(10);
  const reads = createReads({ pool: ledger.pool });
  const [{ name }] = (await ledger.query('select name from runs where id = $1', [waiting[0]?.run_id])) as [
    { name: string },
  ];
  expect((await reads.run(name))?.waitsFor).toMatch(/^waits for pipeline "pipeline-10"/);
  ledger.fake.endAll('Succeeded');
  await ledger.pass('observe', 'advance', 'admit', 'advance');
  expect((await reads.windows('down', { limit: 100 }))?.windows.length).toBe(100);
  expect(await scans()).toEqual(before);
});
