import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { podKind } from '../../../controller/executors/jobs/kinds.ts';
import { attemptOf } from '../../../controller/executors/jobs/labels.ts';
import { binaryVersion } from '../../../controller/store/migrate.ts';
import { createRandom } from '../../../tools/samples/random.ts';
import { say } from '../support/binaries.ts';
import { firstStart } from '../support/control-plane.ts';
import { makeLaterBuild } from './builds.ts';
import { expectSettled, untilDone } from './end-state.ts';
import { createGround, type Ground } from './ground.ts';
import type { Installation } from './installation.ts';
import { processesOfPod } from './parts.ts';

const seed = process.env.PIPEWRIGHT_SEED ?? String(Date.now());
say(`chaos: PIPEWRIGHT_SEED=${seed}`);
const random = createRandom(seed);
const soon = { timeout: 60_000, interval: 200 };

let ground: Ground;
/** Most of it happens to this one, and is looked for in all that it has ever done. */
let main: Installation;
beforeAll(async () => {
  ground = await createGround();
  main = await ground.install('main');
  for (const replica of main.replicas) replica.start();
}, firstStart);
afterAll(() => ground?.close(), 120_000);

/** Pods of a pipeline that run at this moment, and have a Job. */
async function runningPods({ namespace }: Installation, pipeline: string) {
  const where = { namespace, labels: `pipewright.dev/pipeline=${pipeline}`, fields: 'status.phase=Running' };
  const pods = await ground.kubernetes.list(podKind, where);
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined && metadata.ownerReferences?.length);
}

async function beginUntilUnderWay(one: Installation, name: string, size: { windows: number; ms: number }) {
  await one.begin(name, size);
  await untilUnderWay(one, name);
}

async function untilUnderWay(one: Installation, name: string): Promise<void> {
  await expect.poll(async () => (await runningPods(one, name)).length, soon).toBeGreaterThanOrEqual(2);
}

async function expectEnd(one: Installation): Promise<void> {
  await untilDone(one, 180_000);
  await expectSettled(one);
}

describe('the same end state follows', { timeout: 300_000 }, () => {
  test('50 kills of a random controller', async () => {
    await main.begin('kills', { windows: 24, ms: 2_000 });
    for (let killed = 0; killed < 50; ) {
      await delay(random.integer(200, 1_500));
      const alive = main.replicas.filter((replica) => replica.isAlive());
      if (alive[random.integer(0, alive.length - 1)]?.signal('SIGKILL')) killed += 1;
    }
    await expectEnd(main);
  });

  test('the loss of API server and etcd', async () => {
    await beginUntilUnderWay(main, 'control-plane', { windows: 8, ms: 5_000 });
    ground.parts.kill('etcd');
    ground.parts.kill('apiserver');
    await delay(8_000);
    await ground.parts.start();
    await expectEnd(main);
  });

  test('the loss of Postgres, which holds ledger and target', async () => {
    await main.begin('postgres', { windows: 8, ms: 3_000 });
    for (let times = 0; times < 2; times++) {
      await untilUnderWay(main, 'postgres');
      await ground.postgres.kill();
      await delay(3_000);
      await ground.postgres.start();
    }
    await expectEnd(main);
  });

  test('the loss of kubelet and containerd', async () => {
    await beginUntilUnderWay(main, 'node', { windows: 8, ms: 5_000 });
    ground.parts.kill('kubelet');
    ground.parts.kill('containerd');
    await delay(8_000);
    await ground.parts.start();
    await expectEnd(main);
  });

  test('pods and Jobs deleted by hand, and a node that is drained', async () => {
    await beginUntilUnderWay(main, 'by-hand', { windows: 10, ms: 5_000 });
    const ways = [
      ['delete', 'pod', '--wait=false'],
      ['delete', 'pod', '--wait=false', '--grace-period=0', '--force'],
      ['delete', 'job', '--wait=false'],
      ['delete', 'job', '--wait=false', '--cascade=orphan'],
      ['delete', 'job', '--wait=false', '--cascade=foreground'],
    ];
    for (const [verb = '', kind = '', ...how] of ways) {
      const pods = await runningPods(main, 'by-hand');
      const { name, ownerReferences } = pods[random.integer(0, pods.length - 1)]?.metadata ?? {};
      const victim = kind === 'pod' ? name : ownerReferences?.[0]?.name;
      if (victim)
        await ground.cluster.kubectl(['-n', main.namespace, verb, kind, victim, ...how, '--ignore-not-found']);
      await delay(1_000);
    }
    await untilUnderWay(main, 'by-hand');
    await ground.cluster.kubectl(['drain', 'node1', '--force', '--delete-emptydir-data', '--ignore-daemonsets']);
    await ground.cluster.kubectl(['uncordon', 'node1']);
    await expectEnd(main);
  });

  test('60 s without a way between controllers and Postgres, controllers and API server, runners and controllers; 60 s of a frozen controller', async () => {
    async function afterMinute(name: string, begin: (one: Installation) => void, end: (one: Installation) => void) {
      const one = await ground.install(name, { jobs: { maxJobs: 3 } });
      for (const replica of one.replicas) replica.start();
      await beginUntilUnderWay(one, 'work', { windows: 6, ms: 5_000 });
      begin(one);
      await delay(60_000);
      end(one);
      await expectEnd(one);
      await one.close();
    }
    const cuts = (['postgres', 'apiServer', 'reports'] as const).map((link) =>
      afterMinute(
        `cut-${link.toLowerCase()}`,
        ({ links }) => links[link].cut(),
        ({ links }) => links[link].join(),
      ),
    );
    const frozen = afterMinute(
      'frozen-controller',
      ({ one }) => one.signal('SIGSTOP'),
      ({ one }) => one.signal('SIGCONT'),
    );
    await Promise.all([...cuts, frozen]);
  });

  test('a runner that was frozen, given up, and goes on after another one has done its work', async () => {
    await beginUntilUnderWay(main, 'frozen', { windows: 3, ms: 8_000 });
    const [pod] = await runningPods(main, 'frozen');
    if (!pod) throw new Error('no pod runs');
    const { name, uid = '' } = pod.metadata;
    await expect.poll(() => processesOfPod(uid).runner, soon).toHaveLength(1);
    const { shim, runner } = processesOfPod(uid);
    // Without its shim nobody can end it, as on a node that does not answer.
    for (const pid of [...shim, ...runner]) process.kill(pid, 'SIGSTOP');
    await ground.cluster.kubectl(['-n', main.namespace, 'delete', 'pod', name, '--wait=false', '--grace-period=1']);
    await untilDone(main, 180_000);
    for (const pid of [...runner, ...shim]) process.kill(pid, 'SIGCONT');
    await expect.poll(() => processesOfPod(uid).runner, soon).toEqual([]);
    await expectSettled(main);
    const { rows } = await main.pool.query(
      `select number, phase, reason from pipewright.attempts where run_id || '.' || task = $1 order by number`,
      [attemptOf(pod)?.replace(/\.\d+$/, '')],
    );
    expect(rows).toEqual([
      { number: 1, phase: 'Lost', reason: 'NodeLost' },
      { number: 2, phase: 'Succeeded', reason: null },
    ]);
  });

  test('work by two controllers of different versions, and a migration that the older one would break', async () => {
    await main.two.stop();
    const build = await makeLaterBuild(
      join(main.folder, 'later'),
      'alter table pipewright.runs add column later text; create table pipewright.later (id int);',
    );
    const later = await main.addReplica('later');
    later.start({ build });
    await later.ready();
    await main.begin('versions', { windows: 10, ms: 2_000 });
    await expectEnd(main);
    for (const one of [main.one, later]) expect(await one.log()).toContain('attempt settled');

    await main.pool.query('update pipewright.ledger set minimum_binary = $1', [binaryVersion + 1]);
    await expect.poll(() => main.one.log(), soon).toContain(`this one knows ${binaryVersion}`);
    await main.one.stop();
    expect(await main.one.run({})).toBe(2);
    await main.begin('later', { windows: 2, ms: 1_000 });
    await expectEnd(main);
  });
});

describe('an attempt that its node has ended is settled within 10 s of what the API server shows', {
  timeout: 120_000,
}, () => {
  let one: Installation;
  beforeAll(async () => {
    one = await ground.install('ended', { jobs: { scratchSize: '2Mi' } });
    one.one.start();
  });
  afterAll(() => one?.close());

  test.each([
    [
      'its memory',
      'hungry',
      'const held = []; for (;;) held.push(Buffer.alloc(1e6, 1));',
      'OOMKilled',
      'Failed OutOfMemory',
    ],
    [
      'its scratch',
      'wide',
      `fs.writeFileSync('/tmp/rows', Buffer.alloc(2e7)); setTimeout(() => {}, 100_000);`,
      'Evicted',
      'Failed Evicted',
    ],
  ])('for %s', async (_, name, program, shown, outcome) => {
    await one.beginContainer(name, program);
    const pods = () =>
      ground.kubernetes.list(podKind, { namespace: one.namespace, labels: `pipewright.dev/pipeline=${name}` });
    await expect.poll(async () => JSON.stringify((await pods()).map(({ status }) => status)), soon).toContain(shown);
    const settled = async () => {
      const { rows } = await one.pool.query(
        `select a.phase || ' ' || a.reason as text from pipewright.attempts a join pipewright.runs r on r.id = a.run_id
         join pipewright.pipelines p on p.id = r.pipeline_id where p.name = $1`,
        [name],
      );
      return rows[0]?.text;
    };
    await expect.poll(settled, { timeout: 10_000, interval: 100 }).toBe(outcome);
  });
});
