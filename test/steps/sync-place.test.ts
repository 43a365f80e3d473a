import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onProcesses, type TaskPlace } from '../../controller/manifests/place.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { createFolderSync } from '../support/sync.ts';

let ledger: TestLedger;
beforeEach(async () => {
  ledger = await createTestLedger();
  await ledger.write({
    'a.yaml': manifest('a', 'pod: { serviceAccount: loader }\n'),
    'b.yaml': manifest('b', '', '    - { name: one, container: { image: busybox } }\n'),
    'c.yaml': manifest('c'),
  });
});
afterEach(() => ledger.close());

/** The sync of a controller that has just started there. */
function startSync(place: TaskPlace, term?: () => number) {
  const { pool, dir } = ledger;
  const parts = {
    pool,
    dir,
    wake: () => {},
    failpoint: () => {},
    log: pino({ level: 'silent' }),
  };
  const step = createFolderSync({ ...parts, place, ...(term && { term }) });
  return () => step.pass(new AbortController().signal);
}

const jobs = (serviceAccounts: string[]): TaskPlace => ({
  kind: 'jobs',
  policy: { serviceAccounts },
  namespace: 'jobs',
});
const ready = async () =>
  (await ledger.query('select name from pipelines where ready order by name')).map(({ name }) => name);
const problems = () => ledger.query('select file, line, "column", code, pipeline from problems order by file');

describe('a sync', () => {
  it('refuses what the place where tasks run does not allow, with the line, and takes the rest', async () => {
    await startSync(jobs([]))();
    expect(await ready()).toEqual(['b', 'c']);
    expect(await problems()).toEqual([{ file: 'a.yaml', line: 5, column: 26, code: 'outside-policy', pipeline: 'a' }]);
  });

  it('compiles all again where the policy or the place is another one, though no file has changed', async () => {
    await startSync(jobs(['loader']))();
    expect([await ready(), await problems()]).toEqual([['a', 'b', 'c'], []]);
    await startSync(jobs([]))();
    expect(await ready()).toEqual(['b', 'c']);
    await startSync(onProcesses)();
    expect(await ready()).toEqual(['a', 'c']);
    expect(await problems()).toEqual([{ file: 'b.yaml', line: 6, column: 20, code: 'needs-cluster', pipeline: 'b' }]);
    const versions = await ledger.query('select count(*)::int as n from versions group by pipeline_id');
    expect(versions).toEqual([{ n: 1 }, { n: 1 }, { n: 1 }]);
  });

  it('compiles all again when it takes over from another replica, which may have had another policy', async () => {
    let term = 1;
    const pass = startSync(jobs(['loader']), () => term);
    await pass();
    await startSync(jobs([]))();
    await pass();
    expect(await ready()).toEqual(['b', 'c']);
    term = 3;
    await pass();
    expect([await ready(), await problems()]).toEqual([['a', 'b', 'c'], []]);
  });
});
