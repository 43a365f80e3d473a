/**
 * Memory of a controller with a large ledger, without a node: `node test/bench/kubernetes-memory.ts [--pipelines 10000]
 * [--runs 100000]`. Prints one JSON object: resident MB of the controller while it syncs and shows all pipelines, when it has come
 * to rest, and after a restart with the runs in its history.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createGround, type Ground, memory, trivial, until } from './kubernetes-ground.ts';

const { values } = parseArgs({
  options: { pipelines: { type: 'string', default: '10000' }, runs: { type: 'string', default: '100000' } },
});
const pipelines = Number(values.pipelines);
const runs = Number(values.runs);
const restMs = 20_000;

const ground = await createGround({ node: false });
try {
  ground.write(
    Object.fromEntries(
      Array.from({ length: pipelines }, (_, index) => {
        const text = trivial(`p-${index}`, 'every: month, catchUp: none, delay: 1h', '  maxActiveRuns: 2\n');
        return [`team-${index % 100}/p-${index}.yaml`, text];
      }),
    ),
  );
  const first = await observe(ground);
  await fillHistory(ground);
  const second = await observe(ground);
  console.log(JSON.stringify({ pipelines, runs, empty: first, full: second }));
} finally {
  await ground.close();
}

/** Starts a controller and waits until it has synced and shown everything; then a while more. */
async function observe({ start, query }: Ground) {
  const controller = await start();
  const state = async () =>
    (
      await query(
        `select (select count(*)::int from pipelines) as synced, (select count(*)::int from dirty) as dirty,
                (select count(*)::int from leaders where name = 'publish' and expires_at > now()) as led`,
      )
    )[0];
  await until(async () => (await state())?.led === 1, 1_000);
  // It marks all pipelines when it begins to lead.
  await sleep(restMs);
  const shown = async () => {
    const now = await state();
    return now?.synced === pipelines && now.dirty === 0;
  };
  await until(shown, 1_000);
  await sleep(restMs);
  const { now, peak } = memory(controller.pid);
  await controller.stop();
  return { peakMegabytes: peak, restMegabytes: now };
}

/** Ended runs with their windows, tasks and attempts, as the steps leave them; shown to nobody. */
async function fillHistory({ query }: Ground): Promise<void> {
  await query(
    `with r as (
       insert into runs (name, pipeline_id, version_id, calendar_id, window_start, window_end, window_label, run_no, trigger, phase,
         started_at, finished_at)
       select p.name || '-' || to_char(w, 'YYYY-MM'), p.id, p.version_id, p.calendar_id, w, w + interval '1 month', to_char(w, 'YYYY-MM'), 1,
         'schedule', 'Succeeded', now(), now()
       from pipelines p, generate_series(1, $1) as n, lateral (select timestamptz '2000-01-01' + make_interval(months => n) as w) m
       returning id, pipeline_id, version_id, calendar_id, window_start, window_end, window_label
     ), w as (
       insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase, last_run_no, last_run_id)
       select pipeline_id, calendar_id, window_start, window_end, window_label, window_end, 'Succeeded', 1, id from r
     ), t as (
       insert into tasks (run_id, name, position, blocks, needs, phase, attempts, started_at, finished_at)
       select r.id, d.name, d.position, d.blocks, d.needs, 'Succeeded', 1, now(), now() from r join version_tasks d using (version_id)
     )
     insert into attempts (run_id, task, number, phase, launched_at, finished_at)
     select r.id, d.name, 1, 'Succeeded', now(), now() from r join version_tasks d using (version_id)`,
    [Math.ceil(runs / pipelines)],
  );
}
