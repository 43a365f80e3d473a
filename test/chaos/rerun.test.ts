import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { createClient } from '../../controller/api/client.ts';
import { createTestController, type TestController } from '../support/controller-process.ts';
import { succeededRuns } from './end-state.ts';

const manifests = fileURLToPath(new URL('./pipelines/', import.meta.url));

let controller: TestController;
afterEach(() => controller.close());

const count = async (where: string) =>
  (await controller.ledger.query(`select count(*)::int as runs from runs where ${where}`)).rows[0].runs;

/** Three windows whose second task fails, then a manifest in which it does not. */
async function failThenMend(): Promise<void> {
  controller = await createTestController({ manifests });
  const file = join(controller.dir, 'numbers.yaml');
  const good = await readFile(file, 'utf8');
  await writeFile(file, good.replace('twice = 2 * n', 'twice = 3 * n'));
  await controller.keepAlive(async () => (await count(`phase = 'Failed' and reason = 'CheckFailed'`)) === 3);
  const versions = async () => (await controller.ledger.query('select count(*)::int as n from versions')).rows[0].n;
  await writeFile(file, good);
  await expect.poll(versions, { timeout: 30_000 }).toBe(2);
}

it('what failed in three windows is mended, and each rerun goes on from there on the rows of the run before, kill -9 or not', async () => {
  await failThenMend();
  const client = createClient({ server: await controller.url() });
  const { runs } = await client.selectRuns({ pipeline: 'num*', reason: 'CheckFailed' });
  for (const { name } of runs)
    expect(await client.rerun(name, { from: 'failed' })).toEqual({ run: `${name}-2`, taken: ['numbers'], again: [] });
  await controller.kill();
  await controller.keepAlive(async () => (await succeededRuns(controller)) === 3);
  const { rows } = await controller.target.query(
    'select n::int, twice::int, count(*)::int as times from numbers group by 1, 2 order by 1',
  );
  expect(rows).toEqual([1, 2, 3].map((n) => ({ n, twice: 2 * n, times: 3 })));
  const reruns = await controller.ledger.query('select id from runs where run_no = 2');
  const folders = await readdir(join(controller.home, 'attempts'));
  for (const { id } of reruns.rows) expect(folders).not.toContain(`${id}.numbers.1`);
});

it('rows that are gone from the disk are made again, and the rerun says so', async () => {
  await failThenMend();
  await rm(join(controller.home, 'artifacts'), { recursive: true });
  const client = createClient({ server: await controller.url() });
  expect(await client.rerun('numbers-2019-02', { from: 'failed' })).toEqual({
    run: 'numbers-2019-02-2',
    taken: [],
    again: [{ task: 'numbers', why: 'the rows of its block "numbers" are no longer kept' }],
  });
  await controller.keepAlive(async () => (await succeededRuns(controller)) === 1);
});
