/**
 * Trivial windows through real children: `node test/bench/children.ts [--windows 100] [--rounds 3]`. Prints one JSON object per round:
 * seconds from the request of a backfill to its end, and the processor milliseconds that a run of it took, by who took them. Every
 * round begins without a runner.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '../../controller/api/client.ts';
import { makeFolder, startController } from './controller.ts';
import { type Cost, costOf } from './cost.ts';

const { values } = parseArgs({
  options: { windows: { type: 'string', default: '100' }, rounds: { type: 'string', default: '3' } },
});
const windows = Number(values.windows);
const dayMs = 86_400_000;

const manifest = `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: days }
spec:
  schedule: { every: day, startAt: 2030-01-01, catchUp: none }
  maxActiveRuns: 10
  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
`;

const root = makeFolder('pipewright-children-');
const [dir, home] = [join(root, 'pipelines'), join(root, 'home')];
mkdirSync(dir);
writeFileSync(join(dir, 'days.yaml'), manifest);
const controller = await startController({ dir, home });
const client = createClient({ server: controller.url });
try {
  while ((await client.pipelines()).pipelines.length === 0) await sleep(50);
  for (let round = 0; round < Number(values.rounds); round++) console.log(JSON.stringify(await measure(round)));
} finally {
  await controller.stop();
  rmSync(root, { recursive: true, force: true });
}

async function measure(round: number) {
  await untilNoRunner();
  const load = loadavg()[0]?.toFixed(1);
  const from = Date.UTC(2010, 0, 1) + round * windows * dayMs;
  const range = { from: new Date(from).toISOString(), to: new Date(from + windows * dayMs).toISOString() };
  const before = costOf(controller.pid, home);
  const began = performance.now();
  const { backfill } = await client.startBackfill({ pipeline: 'days', ...range, maxActiveRuns: windows });
  while ((await client.backfill(backfill)).phase === 'Running') await sleep(50);
  const seconds = Math.round(performance.now() - began) / 1000;
  const { phase } = await client.backfill(backfill);
  if (phase !== 'Succeeded') throw new Error(`backfill ${backfill} ended as ${phase}`);
  return { load, windows, seconds, msPerRun: perRun(before, costOf(controller.pid, home)) };
}

/** Runners that are free end after a while. */
async function untilNoRunner(): Promise<void> {
  for (let last = -1; ; ) {
    const { runners } = costOf(controller.pid, home);
    if (runners === last) return;
    last = runners;
    await sleep(7_000);
  }
}

function perRun(before: Cost, after: Cost): Cost {
  const of = (kind: keyof Cost) => Math.round(((after[kind] - before[kind]) * 10_000) / windows) / 10;
  return { controller: of('controller'), postgres: of('postgres'), runners: of('runners') };
}
