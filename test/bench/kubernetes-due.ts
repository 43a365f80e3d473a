/**
 * From due to Job created, without a node: `node test/bench/kubernetes-due.ts [--pipelines 1000] [--at-once]`. As many pipelines
 * are due within one minute, spread over it, or all at its beginning. Prints one JSON object: percentiles in seconds.
 */
import { parseArgs } from 'node:util';
import { createdJobs } from './audit.ts';
import { createGround, namespaces, trivial, until } from './kubernetes-ground.ts';

const { values } = parseArgs({
  options: { pipelines: { type: 'string', default: '1000' }, 'at-once': { type: 'boolean', default: false } },
});
const count = Number(values.pipelines);
/** The controller has synced and shown all pipelines by the end of this first window. */
const startAt = new Date(Math.floor((Date.now() + 75_000) / 60_000) * 60_000).toISOString();

const ground = await createGround({ node: false });
try {
  ground.write(
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => {
        const delay = values['at-once'] ? 0 : Math.floor((index * 60) / count);
        return [`p-${index}.yaml`, trivial(`p-${index}`, `every: minute, startAt: "${startAt}", delay: ${delay}s`)];
      }),
    ),
  );
  const controller = await ground.start({ maxJobs: count + 100 });
  // No Job ends without a node, so each pipeline has the one of its first window.
  await until(async () => createdJobs(ground.audit(), 'pipewright').length >= count, 1_000);
  const delays = await delaysOf();
  await controller.stop();
  const at = (share: number) => round(delays[Math.min(delays.length - 1, Math.floor(share * delays.length))] ?? 0);
  console.log(JSON.stringify({ pipelines: count, atOnce: values['at-once'], p50: at(0.5), p99: at(0.99), max: at(1) }));
} finally {
  await ground.close();
}

/** Seconds from the instant at which a window is due to the answer of the API server, in ascending order. */
async function delaysOf(): Promise<number[]> {
  const rows = await ground.query('select r.name, w.due_at as due from runs r join windows w on w.last_run_id = r.id');
  const due = new Map(rows.map((row) => [row.name, row.due as Date]));
  const printed = await ground.cluster.kubectl(['-n', namespaces.jobs, 'get', 'jobs', '-o', 'json']);
  const items: { metadata: { name: string; labels: Record<string, string> } }[] = JSON.parse(printed).items;
  const runs = new Map(items.map(({ metadata }) => [metadata.name, metadata.labels['pipewright.dev/run']]));
  const delays = createdJobs(ground.audit(), 'pipewright').map(({ name, answeredAt }) => {
    const instant = due.get(runs.get(name));
    if (!instant) throw new Error(`the window of Job ${name} is not known`);
    return (answeredAt - instant.getTime()) / 1_000;
  });
  return delays.sort((a, b) => a - b);
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
