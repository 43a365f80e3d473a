/**
 * Backfills at size: `node test/bench/backfill.ts [--windows 10000] [--children 100]`. Prints one JSON object. Through an executor
 * that does nothing: seconds until a backfill is accepted and shown, runs a second until it is drained, and how long other runs wait
 * from the request to their start meanwhile. Then as many trivial windows through real children, from the request to the last one.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '../../controller/api/client.ts';
import { makeFolder, startController } from './controller.ts';
import { startNoOpController } from './no-op-controller.ts';

const { values } = parseArgs({
  options: { windows: { type: 'string', default: '10000' }, children: { type: 'string', default: '100' } },
});
const hourMs = 3_600_000;
const firstHour = Date.UTC(2019, 0, 1);
const liveEveryMs = 100;

type Client = ReturnType<typeof createClient>;

const manifest = (name: string, schedule = '') => `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
${schedule}  maxActiveRuns: 10
  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
`;
const hourly = '  schedule: { every: hour, startAt: 2019-01-01, endAt: 2019-01-01T00:00:01, catchUp: none }\n';

function writeManifests(root: string): { dir: string; home: string } {
  const [dir, home] = [join(root, 'pipelines'), join(root, 'home')];
  mkdirSync(dir);
  mkdirSync(home);
  writeFileSync(
    join(dir, 'hours.yaml'),
    manifest(
      'hours',
      hourly.replace('2019-01-01T00:00:01', '2031-01-01').replace('startAt: 2019-01-01', 'startAt: 2030-01-01'),
    ),
  );
  for (let n = 0; n < 10; n++) writeFileSync(join(dir, `live-${n}.yaml`), manifest(`live-${n}`));
  return { dir, home };
}

async function untilSynced(client: Client): Promise<void> {
  while ((await client.pipelines()).pipelines.length < 11) await sleep(50);
}

const rangeOf = (hours: number) => ({
  pipeline: 'hours',
  from: new Date(firstHour).toISOString(),
  to: new Date(firstHour + hours * hourMs).toISOString(),
});

async function ended(client: Client, name: string): Promise<void> {
  for (;;) {
    const { phase } = await client.backfill(name);
    if (phase === 'Succeeded') return;
    if (phase !== 'Running') throw new Error(`backfill ${name} ended as ${phase}`);
    await sleep(50);
  }
}

const secondsSince = (began: number) => Math.round(performance.now() - began) / 1000;

async function throughNothing(windows: number) {
  const root = makeFolder('pipewright-backfill-');
  const controller = await startNoOpController(writeManifests(root));
  const { client, pool } = controller;
  try {
    await untilSynced(client);
    const began = performance.now();
    const { backfill } = await client.startBackfill({ ...rangeOf(windows), maxActiveRuns: 200 });
    const accepted = secondsSince(began);
    const { total } = (await client.backfill(backfill)).windows;
    if (total !== windows) throw new Error(`the backfill shows ${total} windows and not ${windows}`);
    const visible = secondsSince(began);
    const stop = new AbortController();
    const asking = askForLiveRuns(client, stop.signal);
    await ended(client, backfill);
    const drained = secondsSince(began);
    stop.abort();
    await asking;
    const { rows } = await pool.query(
      `select count(*)::int as runs, percentile_cont(array[0.5, 0.99, 1]) within group (order by extract(epoch from r.started_at - q.created_at)) as lags
       from runs r join requests q on q.id = r.request_id where r.trigger = 'manual' and r.started_at is not null`,
    );
    const [p50, p99, longest] = rows[0].lags.map((lag: number) => Math.round(lag * 1000) / 1000);
    return {
      windows,
      accepted,
      visible,
      drained,
      runsPerSecond: Math.round(windows / drained),
      live: { runs: rows[0].runs, p50, p99, longest },
    };
  } finally {
    await controller.close();
    rmSync(root, { recursive: true, force: true });
  }
}

/** Somebody else's runs, of one pipeline after the other. */
async function askForLiveRuns(client: Client, signal: AbortSignal): Promise<void> {
  for (let n = 0; !signal.aborted; n++) {
    await client.startRun({ pipeline: `live-${n % 10}` });
    await sleep(liveEveryMs);
  }
}

async function throughChildren(windows: number) {
  const root = makeFolder('pipewright-backfill-');
  const controller = await startController(writeManifests(root));
  const client = createClient({ server: controller.url });
  try {
    await untilSynced(client);
    const began = performance.now();
    const { backfill } = await client.startBackfill({ ...rangeOf(windows), maxActiveRuns: windows });
    await ended(client, backfill);
    const seconds = secondsSince(began);
    return { windows, seconds, runsPerSecond: Math.round((windows / seconds) * 10) / 10 };
  } finally {
    await controller.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

const load = loadavg()[0]?.toFixed(1);
const noOp = await throughNothing(Number(values.windows));
const children = Number(values.children) > 0 ? await throughChildren(Number(values.children)) : null;
console.log(JSON.stringify({ load, noOp, children }, null, 2));
