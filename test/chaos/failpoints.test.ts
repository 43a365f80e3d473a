import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { type FailpointName, failpoints } from '../../schemas/failpoints.ts';
import { createTestController, runners, type TestController } from '../support/controller-process.ts';
import { startGitServer } from '../support/git-server.ts';
import { createTestRepository } from '../support/repository.ts';
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

/** The same manifests from Git, so that a mirror has to be recovered too. */
async function gitSource(stack: AsyncDisposableStack): Promise<string[]> {
  const repository = await createTestRepository();
  stack.defer(() => repository.remove());
  await cp(manifests, join(repository.dir, 'pipelines'), { recursive: true });
  await repository.commit();
  const server = await startGitServer(dirname(repository.dir));
  stack.defer(() => server.stop());
  const names = ['HOST', 'PORT', 'DBNAME', 'USER', 'PASSWORD'].map((name) => `POSTGRES_${name}`);
  // Manifests from Git read nothing of the environment that is not named.
  return ['--git', `${server.url}/${basename(repository.dir)}/.git`, ...names.flatMap((name) => ['--allow-env', name])];
}

/** And these in a cluster; test/cluster/chaos hits them. */
const inCluster = /^(jobs|fence|receive|publish)\./;
/** Tests of these steps in test/steps hit these. */
const inSteps = /^(retain|announce)\./;

it.each(failpoints.filter((name) => !onRequest.includes(name) && !inCluster.test(name) && !inSteps.test(name)))(
  'a process killed at %s leaves the same end state',
  async (name: FailpointName) => {
    await using stack = new AsyncDisposableStack();
    const isSync = name.startsWith('sync.');
    controller = await createTestController(isSync ? { sources: await gitSource(stack) } : { manifests });
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

it.each(['runner.before-started', 'runner.after-started', 'runner.before-report', 'runner.after-report'])(
  'a runner killed at %s of its second attempt leaves the same end state',
  async (name) => {
    controller = await createTestController({ manifests });
    const mark = join(controller.home, '..', 'hit');
    const environment = { PIPEWRIGHT_FAILPOINT: `${name}@2`, PIPEWRIGHT_FAILPOINT_ONCE: mark };
    await controller.keepAlive(async () => (await succeededRuns(controller)) === 3, environment);
    expect(existsSync(mark), 'no process ran a second attempt').toBe(true);
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
