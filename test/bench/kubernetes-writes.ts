/**
 * The controller's API writes per run of a single-task pipeline, without a node (`pretended-node.ts`):
 * `node test/bench/kubernetes-writes.ts [--runs 300] [--seconds 5]`. Prints two JSON objects: for runs that are due at once, and for
 * runs that come one after the other, each by itself.
 */
import { parseArgs } from 'node:util';
import { writesPerRun } from './audit.ts';
import { createGround, namespaces, trivial, until, untilQuiet } from './kubernetes-ground.ts';
import { startPretendedNode } from './pretended-node.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '300' }, seconds: { type: 'string', default: '5' } },
});
const runMs = Number(values.seconds) * 1_000;

const ground = await createGround({ node: false });
const { kubeconfig } = ground.cluster;
const node = await startPretendedNode({ kubeconfig, namespace: namespaces.jobs, runMs });
try {
  await measure('at once', Number(values.runs), 1_000);
  await measure('one after the other', Math.ceil(Number(values.runs) / 30), 1);
} finally {
  await node.stop();
  await ground.close();
}

async function measure(how: string, count: number, maxActiveRuns: number): Promise<void> {
  const name = how.replaceAll(' ', '-');
  const end = new Date(Date.UTC(2020, 0, 1 + count)).toISOString().slice(0, 10);
  const days = `every: day, startAt: 2020-01-01, endAt: ${end}, catchUp: all`;
  ground.write({ [`${name}.yaml`]: trivial(name, days, `  maxActiveRuns: ${maxActiveRuns}\n`) });
  ground.forget();
  const controller = await ground.start({ maxJobs: 100 });
  const succeeded = async () => {
    const sql = `select count(*)::int as n from runs where phase = 'Succeeded' and name like $1`;
    return Number((await ground.query(sql, [`${name}-%`]))[0]?.n);
  };
  await until(async () => (await succeeded()) === count);
  await untilQuiet(ground);
  await controller.stop();
  console.log(JSON.stringify({ how, runs: count, seconds: runMs / 1_000, ...writesPerRun(ground.audit(), count) }));
}
