import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPlanFacts } from '../../../controller/store/reads-plan.ts';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';
import { pipewright } from './command.ts';
import { serve } from './server.ts';

const monthly = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-07-01, catchUp: all }\n';
const quiet = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2020-01-01, catchUp: none }\n';

let ledger: TestLedger;
let api: Awaited<ReturnType<typeof serve>>;
let repository: TestRepository;
beforeAll(async () => {
  ledger = await createTestLedger();
  api = await serve({ pool: ledger.pool, wake: () => void ledger.pass('intake') });
  const files = { 'a.yaml': manifest('a', monthly), 'b.yaml': manifest('b', quiet) };
  await ledger.write(files);
  for (let round = 0; round < 2; round++) {
    await ledger.round();
    ledger.fake.endAll('Succeeded');
    await ledger.pass('observe', 'advance');
  }
  await ledger.query(`update runs set started_at = finished_at - interval '90 s' where phase = 'Succeeded'`);
  await ledger.ask('backfill', { pipeline: 'b', name: 'reload', from: '2019', to: '2020' });
  await ledger.pass('schedule', 'admit');
  repository = await createTestRepository();
  await repository.write({ 'pipelines/a.yaml': files['a.yaml'], 'pipelines/b.yaml': files['b.yaml'] });
  await repository.commit();
});
afterAll(async () => {
  await repository?.remove();
  await api?.close();
  await ledger?.close();
});

const plan = (...args: string[]) => pipewright(['plan', ...args], { cwd: repository.dir });

test('the ledger tells windows that have run, runs, how long they take, and backfills', async () => {
  const [a, b] = await readPlanFacts(ledger.pool, ['b', 'a', 'nobody']);
  expect(a).toMatchObject({ pipeline: 'a', succeeded: 2, isMore: false, meanDurationMs: 90_000, backfills: [] });
  expect(a).toMatchObject({ activeRuns: 1 });
  expect(b).toMatchObject({ pipeline: 'b', meanDurationMs: null, backfills: [{ name: 'reload', version: 'head' }] });
  expect((b?.backfills[0]?.waiting ?? 0) + (b?.backfills[0]?.live ?? 0)).toBe(12);
});

test('plan --server adds it to what the manifests tell', async () => {
  await repository.write({ 'pipelines/a.yaml': manifest('a', monthly).replace('n: 1', 'n: 2') });
  await repository.git('rm', '--quiet', '-f', 'pipelines/b.yaml');
  const { code, stdout, stderr } = await plan('--server', api.server);
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
  expect(stdout).toContain(
    '2 windows that have succeeded turn stale; `pipewright backfill --rerun stale` runs them again, in about 3m 00s (1m 30s each, 1 at once)',
  );
  expect(stdout).toContain('active runs end on the version that they have (1)');
  expect(stdout).toMatch(/backfill "reload" ends with the pipeline: \d+ of its windows are never run/);
});

test('plan --server says how much of a new Backfill has run already', async () => {
  const backfill = `apiVersion: pipewright.dev/v1alpha1\nkind: Backfill\nmetadata: { name: early }\nspec: { pipeline: a, from: "2019", to: 2019-04-01 }\n`;
  await repository.write({ 'pipelines/c.yaml': backfill });
  const { stdout } = await plan('--server', api.server, '--output', 'json');
  expect(JSON.parse(stdout).backfills).toMatchObject([
    { name: 'early', windows: 3, facts: { meanDurationMs: 90_000 } },
  ]);
});

test('one request asks for a hundred pipelines at most', async () => {
  const ask = (count: number) =>
    fetch(`${api.server}/api/v1/plan`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ pipelines: Array.from({ length: count }, (_, index) => `p${index}`) }),
    });
  expect(await (await ask(100)).json()).toEqual({ pipelines: [] });
  expect((await ask(101)).status).toBe(400);
});

test('a controller that does not answer is no plan without its facts', async () => {
  const { code, stdout, stderr } = await plan('--server', 'http://127.0.0.1:1');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('no controller answers at http://127.0.0.1:1');
});
