/**
 * What a person waits for, and what an idle controller costs: `node test/bench/latency.ts`. Prints one JSON object: seconds
 * from `start` (Postgres initialised) to the first launched task, seconds of a trivial `run --local` beside a bare start of
 * Node, seconds from a saved file to the run it changes, and CPU share and memory of the idle controller.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../../controller/api/client.ts';
import { bin, makeFolder, startController } from './controller.ts';

const root = makeFolder('pipewright-latency-');
const home = join(root, 'home');
const dir = join(root, 'pipelines');
const idleSeconds = 30;

const manifest = (n: number) => `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: trivial }
spec:
  schedule: { every: day, catchUp: latest }
  blocks:
    - name: one
      load: { inline: { rows: [{ n: ${n} }] } }
`;

function seconds(work: () => void): number {
  const best = Array.from({ length: 5 }, () => {
    const began = performance.now();
    work();
    return performance.now() - began;
  });
  return Math.min(...best) / 1000;
}

/** CPU seconds and resident bytes of a process and everything below it. */
function cost(pid: number): { cpu: number; rss: number } {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const stat = (id: string) =>
    readFileSync(`/proc/${id}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  const own = (id: string) =>
    id === String(pid) || readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(home) || parentIsPostgres(id);
  const parentIsPostgres = (id: string) =>
    readFileSync(`/proc/${stat(id)[1]}/cmdline`, 'utf8').includes(`${home}/postgres`);
  const total = { cpu: 0, rss: 0 };
  for (const id of pids) {
    try {
      if (!own(id)) continue;
      const fields = stat(id);
      // With what its ended children took, so that no time is lost when one ends.
      total.cpu += fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
      // Proportional, since Postgres's processes share their buffers.
      total.rss += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
    } catch {
      // It ended while it was looked at.
    }
  }
  return total;
}

mkdirSync(dir, { recursive: true });
writeFileSync(join(dir, 'trivial.yaml'), manifest(1));
const local = () =>
  execFileSync(process.execPath, [bin, 'run', 'trivial', '--local', '--dir', dir, '--home', home], { stdio: 'ignore' });
local();
const runLocal = seconds(local);
const bareNode = seconds(() => execFileSync(process.execPath, ['-e', '0']));

await (await startController({ dir, home })).stop();
writeFileSync(join(dir, 'second.yaml'), manifest(1).replace('name: trivial', 'name: second'));
const controller = await startController({ dir, home });
const { seconds: startToFirstTask } = await controller.until(/attempt launched/);
const client = createClient({ server: controller.url });
const settled = async (runs: number) => {
  while ((await client.runs({ limit: 100 })).runs.filter((run) => run.phase === 'Succeeded').length < runs)
    await sleep(20);
};
await settled(2);

const saved = performance.now();
writeFileSync(join(dir, 'third.yaml'), manifest(3).replace('name: trivial', 'name: third'));
await settled(3);
const savedToRun = (performance.now() - saved) / 1000;

await sleep(2_000);
const before = cost(controller.pid);
await sleep(idleSeconds * 1000);
const after = cost(controller.pid);
await controller.stop();
rmSync(root, { recursive: true, force: true });
console.log(
  JSON.stringify({
    startToFirstTask: round(startToFirstTask),
    runLocal: round(runLocal),
    bareNode: round(bareNode),
    savedFileToSucceededRun: round(savedToRun),
    idleCpuShare: round((after.cpu - before.cpu) / idleSeconds),
    idleMegabytes: Math.round(after.rss / 1e6),
  }),
);

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
