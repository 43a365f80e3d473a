import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { type FailpointName, failpoints } from '../../schemas/failpoints.ts';
import { createTestController, runners, type TestController } from '../support/controller-process.ts';
import { expectSettled, succeededRuns } from './end-state.ts';

const manifests = fileURLToPath(new URL('./pipelines/', import.meta.url));
/** These are passed only when a person asks for something. */
const onRequest: readonly string[] = [
  'intake.before-commit',
  'intake.after-commit',
  'stop.before-effect',
  'stop.after-effect',
];

let controller: TestController;
afterEach(() => controller.close());

async function table(): Promise<unknown> {
  const { rows } = await controller.target.query(
    'select n::int, twice::int, count(*)::int as times from numbers group by 1, 2 order by 1',
  );
  return rows;
}

/** And these in a cluster; test/cluster/chaos hits them. */
const inCluster = /^(jobs|fence|receive|publish)\./;
/** test/steps/retention.test.ts hits these. */
const ofHistory = /^retain\./;

it.each(failpoints.filter((name) => !onRequest.includes(name) && !inCluster.test(name) && !ofHistory.test(name)))(
  'a process killed at %s leaves the same end state',
  async (name: FailpointName) => {
    controller = await createTestController({ manifests });
    const mark = join(controller.home, '..', 'hit');
    await controller.keepAlive(async () => (await succeededRuns(controller)) === 3, {
      PIPEWRIGHT_FAILPOINT: name,
      PIPEWRIGHT_FAILPOINT_ONCE: mark,
    });
    expect(existsSync(mark), `failpoint ${name} was never passed`).toBe(true);
    await expectSettled(controller, 3);
    expect(await table()).toEqual([1, 2, 3].map((n) => ({ n, twice: 2 * n, times: 3 })));
  },
);

it.each(['intake.before-commit', 'intake.after-commit'])(
  'a controller killed at %s grants the request exactly once',
  async (name) => {
    controller = await createTestController({ manifests });
    await controller.keepAlive(async () => (await succeededRuns(controller)) === 3);
    await controller.kill();
    const mark = join(controller.home, '..', 'hit');
    await controller.ledger.query(
      `insert into requests (kind, body, actor) values ('rerun', '{"run": "numbers-2019-02"}', 'test')`,
    );
    await controller.keepAlive(async () => (await succeededRuns(controller)) === 4, {
      PIPEWRIGHT_FAILPOINT: name,
      PIPEWRIGHT_FAILPOINT_ONCE: mark,
    });
    expect(existsSync(mark)).toBe(true);
    const { rows } = await controller.ledger.query(`select name, phase from runs where trigger = 'rerun'`);
    expect(rows).toEqual([{ name: 'numbers-2019-02-2', phase: 'Succeeded' }]);
  },
);

it.each(['stop.before-effect', 'stop.after-effect'])(
  'a controller killed at %s still cancels the run, and its runner is gone',
  async (name) => {
    controller = await createTestController({ manifests });
    const mark = join(controller.home, '..', 'hit');
    // The first export freezes before its commit, so that there is something to stop.
    controller.start({
      PIPEWRIGHT_FAILPOINT: 'export.before-commit:stop',
      PIPEWRIGHT_FAILPOINT_ONCE: `${mark}-frozen`,
    });
    await expect.poll(() => succeededRuns(controller), { timeout: 30_000 }).toBe(2);
    expect(existsSync(`${mark}-frozen`)).toBe(true);
    const { rows } = await controller.ledger.query(`select name from runs where phase = 'Running'`);
    const run = rows[0].name;
    await controller.kill();
    await controller.ledger.query(`insert into requests (kind, body, actor) values ('cancel', $1, 'test')`, [{ run }]);
    const over = async () => {
      const { rows: left } = await controller.ledger.query(`select from runs where phase in ('Queued', 'Running')`);
      return left.length === 0;
    };
    await controller.keepAlive(over, { PIPEWRIGHT_FAILPOINT: name, PIPEWRIGHT_FAILPOINT_ONCE: mark });
    const { rows: phases } = await controller.ledger.query('select phase, reason from runs where name = $1', [run]);
    expect(phases).toEqual([{ phase: 'Cancelled', reason: 'CancelledByRequest' }]);
    expect(existsSync(mark), `failpoint ${name} was never passed`).toBe(true);
    await expect.poll(() => runners(controller.home)).toEqual([]);
  },
);
