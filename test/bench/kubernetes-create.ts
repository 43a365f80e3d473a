/**
 * How fast Jobs are created, without a node: `node test/bench/kubernetes-create.ts [--jobs 1000]`. Prints one JSON object: Jobs a
 * second by the controller for runs that are due at once, and by a bare client with as many connections before and after it.
 */
import { parseArgs } from 'node:util';
import { createdJobs, ratePerSecond } from './audit.ts';
import { bareAgent, createCopies, type JobTemplate, templateOf } from './bare-client.ts';
import { createGround, type Ground, namespaces, trivial, until } from './kubernetes-ground.ts';

const { values } = parseArgs({ options: { jobs: { type: 'string', default: '1000' } } });
const count = Number(values.jobs);

const ground = await createGround({ node: false });
try {
  const template = await makeTemplate(ground);
  const before = await bare(ground, template, 'bare-1');
  const controller = await ours(ground);
  const after = await bare(ground, template, 'bare-2');
  const ratio = controller / ((before + after) / 2);
  console.log(
    JSON.stringify({
      jobs: count,
      perSecond: round(controller),
      bare: [round(before), round(after)],
      ratio: round(ratio),
    }),
  );
} finally {
  await ground.close();
}

/** The Job of a run, which the bare client copies. */
async function makeTemplate({ cluster, write, start }: Ground): Promise<JobTemplate> {
  write({ 'first.yaml': trivial('first', 'every: day, catchUp: latest, startAt: 2026-01-01') });
  const controller = await start();
  const jobs = async () =>
    JSON.parse(await cluster.kubectl(['-n', namespaces.jobs, 'get', 'jobs', '-o', 'json'])).items;
  await until(async () => (await jobs()).length > 0);
  const [job] = await jobs();
  await controller.stop();
  return job as JobTemplate;
}

async function bare({ cluster, audit, forget }: Ground, job: JobTemplate, namespace: string): Promise<number> {
  await cluster.kubectl(['create', 'namespace', namespace]);
  forget();
  await createCopies(cluster.kubeconfig, templateOf(job, namespace), count);
  await until(async () => createdJobs(audit(), bareAgent).length === count);
  return ratePerSecond(createdJobs(audit(), bareAgent));
}

async function ours({ audit, forget, write, start, query }: Ground): Promise<number> {
  const end = new Date(Date.UTC(2020, 0, 1 + count)).toISOString().slice(0, 10);
  const days = `every: day, startAt: 2020-01-01, endAt: ${end}, catchUp: all`;
  write({ 'many.yaml': trivial('many', days, '  maxActiveRuns: 1000\n') });
  forget();
  const controller = await start({ maxJobs: count + 100 });
  const all = async () => {
    const [row] = await query(`select count(*)::int as n from attempts where phase = 'Running'`);
    return Number(row?.n) >= count;
  };
  await until(all);
  const rate = ratePerSecond(createdJobs(audit(), 'pipewright'));
  await controller.stop();
  return rate;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
