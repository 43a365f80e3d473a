/**
 * Runs at once on a real node, against bare Jobs of the same image and command that kubectl creates:
 * `node test/bench/kubernetes-node.ts [--runs 300] [--form sql|container] [--rounds 1]`. As root on Debian. Prints one JSON object:
 * runs and Jobs a minute, their ratio, and the controller's API writes per run.
 */
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { writesPerRun } from './audit.ts';
import { copyOf, type JobTemplate, templateOf } from './bare-client.ts';
import { bridge, createGround, image, namespaces, reportPort, until, untilQuiet } from './kubernetes-ground.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '1' },
    form: { type: 'string', default: 'sql' },
  },
});
const count = Number(values.runs);
const blocks =
  values.form === 'container'
    ? `    - name: one\n      container: { image: "${image}", command: [node, --eval, "0"] }\n`
    : '    - name: one\n      load: { inline: { rows: [{ n: 1 }] } }\n    - name: two\n      from: [one]\n      transform: { sql: select n + 1 as n from one }\n';

type Job = JobTemplate & { readonly status: { readonly completionTime?: string; readonly succeeded?: number } };

const ground = await createGround({ node: true });
const inJobs = ['--namespace', namespaces.jobs];
try {
  const rounds: object[] = [];
  let template: JobTemplate | null = null;
  for (let round = 0; round < Number(values.rounds); round++) {
    const ours = await runOurs(round);
    template ??= ours.template;
    await removeJobs();
    const bare = await runBare(template);
    await removeJobs();
    rounds.push({ ...ours.figures, barePerMinute: fixed(bare), ratio: fixed(ours.perMinute / bare) });
  }
  console.log(JSON.stringify({ form: values.form, runs: count, rounds }, null, 2));
} finally {
  await ground.close();
}

/** One pipeline whose windows are all due when the controller starts. */
async function runOurs(round: number) {
  const name = `many-${round}`;
  const end = new Date(Date.UTC(2020, 0, 1 + count)).toISOString().slice(0, 10);
  ground.write({
    'many.yaml': `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
  schedule: { every: day, startAt: 2020-01-01, endAt: ${end}, catchUp: all }
  maxActiveRuns: 1000
  blocks:
${blocks}`,
  });
  ground.forget();
  const controller = await ground.start();
  const ended = async () => {
    const [row] = await ground.query(
      `select count(*) filter (where phase = 'Succeeded')::int as good, count(*) filter (where phase in ('Failed', 'Cancelled'))::int as bad,
              min(message) filter (where phase = 'Failed') as why from runs where name like $1`,
      [`${name}-%`],
    );
    if (row?.bad !== 0) throw new Error(`${row?.bad} runs did not succeed: ${row?.why}`);
    return row?.good === count;
  };
  await until(ended, 500);
  await until(async () => (await succeeded()) === count, 500);
  await untilQuiet(ground);
  const [times] = await ground.query(
    'select extract(epoch from min(queued_at)) as first, extract(epoch from max(finished_at)) as last from runs where name like $1',
    [`${name}-%`],
  );
  const jobs = await allJobs();
  await controller.stop();
  const last = Math.max(Number(times?.last), ...jobs.map(completedAt));
  const perMinute = (count / (last - Number(times?.first))) * 60;
  const figures = { perMinute: fixed(perMinute), ...writesPerRun(ground.audit(), count) };
  return { perMinute, template: jobs[0] as Job, figures };
}

async function runBare(template: JobTemplate): Promise<number> {
  // The runner of a copy reports too; somebody must take it, or it would try for two minutes.
  const reports = createServer((asked, answer) => asked.resume().on('end', () => answer.writeHead(204).end()));
  await new Promise<void>((resolve) => reports.listen(reportPort, bridge, resolve));
  const base = templateOf(template, namespaces.jobs);
  const items = Array.from({ length: count }, (_, index) => copyOf(base, index));
  const began = Date.now() / 1_000;
  await ground.cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await until(async () => (await succeeded()) === count, 500);
  const last = Math.max(...(await allJobs()).map(completedAt));
  await new Promise((resolve) => reports.close(resolve));
  return (count / (last - began)) * 60;
}

async function succeeded(): Promise<number> {
  const printed = await ground.cluster.kubectl([
    ...inJobs,
    ...['get', 'jobs', '--field-selector', 'status.successful=1', '-o', 'name'],
  ]);
  return printed.split('\n').filter((line) => line !== '').length;
}

async function allJobs(): Promise<Job[]> {
  return JSON.parse(await ground.cluster.kubectl([...inJobs, 'get', 'jobs', '-o', 'json'])).items;
}

/** Seconds since 1970. */
function completedAt({ status }: Job): number {
  return Date.parse(status.completionTime ?? '') / 1_000;
}

async function removeJobs(): Promise<void> {
  await ground.cluster.kubectl([...inJobs, 'delete', 'jobs', '--all', '--cascade=foreground', '--wait']);
}

function fixed(value: number): number {
  return Math.round(value * 100) / 100;
}
