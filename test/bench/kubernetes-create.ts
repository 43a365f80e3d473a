/**
 * How fast Jobs are created, without a node: `node test/bench/kubernetes-create.ts [--jobs 1000] [--rounds 4]`. Prints a JSON object for
 * each round: Jobs a second by a bare client, and then by the controller with as many connections for runs that are due at once. One
 * controller serves all rounds, so that the first shows it just started and the others at work.
 */
import { parseArgs } from 'node:util';
import { createdJobs, ratePerSecond } from './audit.ts';
import { bareAgent, createCopies, type JobTemplate, templateOf } from './bare-client.ts';
import { createGround, type Ground, namespaces, trivial, until } from './kubernetes-ground.ts';

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '4' } },
});
const count = Number(values.jobs);
const rounds = Number(values.rounds);

const ground = await createGround({ node: false });
try {
  const manifests = { 'first.yaml': trivial('first', 'every: day, catchUp: latest, startAt: 2026-01-01') };
  ground.write(manifests);
  const controller = await ground.start({ maxJobs: (count + 1) * rounds });
  const template = await readTemplate(ground);
  for (let number = 1; number <= rounds; number++) {
    const bare = await createBare(ground, template, `bare-${number}`);
    Object.assign(manifests, { [`many-${number}.yaml`]: dueAtOnce(`many-${number}`) });
    const own = await createOwn(ground, manifests);
    const ratio = round(own / bare);
    console.log(JSON.stringify({ round: number, jobs: count, perSecond: round(own), bare: round(bare), ratio }));
  }
  await controller.stop();
} finally {
  await ground.close();
}

/** The Job of the first run, which the bare client copies. */
async function readTemplate({ cluster }: Ground): Promise<JobTemplate> {
  const jobs = async () =>
    JSON.parse(await cluster.kubectl(['-n', namespaces.jobs, 'get', 'jobs', '-o', 'json'])).items;
  await until(async () => (await jobs()).length > 0);
  const [job] = await jobs();
  return job as JobTemplate;
}

function dueAtOnce(name: string): string {
  const end = new Date(Date.UTC(2020, 0, 1 + count)).toISOString().slice(0, 10);
  return trivial(name, `every: day, startAt: 2020-01-01, endAt: ${end}, catchUp: all`, `  maxActiveRuns: ${count}\n`);
}

async function createBare({ cluster, audit, forget }: Ground, job: JobTemplate, namespace: string): Promise<number> {
  await cluster.kubectl(['create', 'namespace', namespace]);
  forget();
  await createCopies(cluster.kubeconfig, templateOf(job, namespace), count);
  await until(async () => createdJobs(audit(), bareAgent).length === count);
  return ratePerSecond(createdJobs(audit(), bareAgent));
}

async function createOwn({ audit, forget, write, query }: Ground, manifests: Record<string, string>): Promise<number> {
  const begun = async () => {
    const [row] = await query(`select count(*)::int as n from attempts where phase = 'Running'`);
    return Number(row?.n);
  };
  const before = await begun();
  forget();
  write(manifests);
  await until(async () => (await begun()) >= before + count);
  return ratePerSecond(createdJobs(audit(), 'pipewright'));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
