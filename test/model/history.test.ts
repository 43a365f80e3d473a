import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pass } from './command.ts';
import { histories, write, writtenOf } from './commands.ts';
import { notAudited, stillLive, wrongNow } from './invariants.ts';
import { createModel, type Model, type Stretch } from './pipeline.ts';
import { createWorld, stepNames, type World } from './world.ts';

const seed = Number(process.env.PIPEWRIGHT_SEED ?? Date.now() % 2 ** 31);
const wanted = Number(process.env.PIPEWRIGHT_HISTORIES ?? 2000);
/** Histories go on side by side, each on a store of its own: while one waits for Postgres, another one decides. */
const lanes = 3;

/** Lets everything go on, and gives it all the room it could want. */
async function release(model: Model, world: World): Promise<void> {
  if (model.written) await write(model, world, { ...writtenOf(model), suspend: false, maxActiveRuns: 50 });
  const open = await world.query(`select name from backfills where phase = 'Running'`);
  for (const { name } of open)
    await world.submit('changeBackfill', { backfill: name, suspended: false, maxActiveRuns: 50 });
}

/** Rounds without trouble until nothing is live; what is live after them all has been stranded. */
async function drain(model: Model, world: World): Promise<string[]> {
  await release(model, world);
  // A retry waits until a clock that was set back has come there again.
  model.now = model.latest;
  await world.setClock(model.now);
  for (let round = 0; ; round++) {
    for (const step of stepNames) await pass(model, world, 0, step);
    await pass(model, world, 0, 'advance');
    await pass(model, world, 0, 'schedule');
    const live = await stillLive(world);
    if (live.length === 0 || round === 40) return live;
    world.fake.endAll('Succeeded');
    // Further than any claim and any wait for a retry.
    model.now += 31_000;
    await world.setClock(model.now);
  }
}

/** What the schedule was to cut and to pass over, against what the ledger has. */
async function notAsPlanned(model: Model, world: World): Promise<string[]> {
  const [cut, skipped] = await Promise.all([
    world.query('select start_at as start, end_at as "end" from windows where last_run_no > 0'),
    world.query('select start_at as start, end_at as "end" from skipped_ranges'),
  ]);
  const name = ({ start, end }: { start: Date | number; end: Date | number }) =>
    `${new Date(start).toISOString()} to ${new Date(end).toISOString()}`;
  const lost = (what: string, planned: readonly Stretch[], found: readonly string[]) =>
    planned.map(name).flatMap((one) => (found.includes(one) ? [] : [`${what} ${one} is not in the ledger`]));
  const twice = await world.query(
    `select window_label as label from runs where trigger = 'schedule' group by 1 having count(*) > 1`,
  );
  const unasked = await world.query(
    `select label, start_at as start, end_at as "end" from windows w where not exists (select from runs r where r.pipeline_id = w.pipeline_id
       and r.calendar_id = w.calendar_id and r.window_start = w.start_at and r.trigger in ('manual', 'backfill'))`,
  );
  const planned = new Set(model.cut.map(name));
  return [
    ...lost('window', model.cut, cut.map(name)),
    ...lost('skipped range', model.skipped, skipped.map(name)),
    ...twice.map(({ label }) => `window ${label} was scheduled twice`),
    ...unasked.flatMap((window) => (planned.has(name(window)) ? [] : [`nobody asked for window ${window.label}`])),
    ...(skipped.length === model.skipped.length
      ? []
      : [`${skipped.length} skipped ranges, not ${model.skipped.length}`]),
  ];
}

async function live(world: World, commands: Iterable<fc.AsyncCommand<Model, World>>): Promise<void> {
  const model = createModel({ every: 'hour', catchUp: 'all', maxActiveRuns: 1, suspend: false, note: 1 });
  await world.reset();
  await write(model, world, model.written);
  await pass(model, world, 0, 'sync');
  await fc.asyncModelRun(() => ({ model, real: world }), commands);
  const stranded = await drain(model, world);
  const rest = await Promise.all([wrongNow(world), notAsPlanned(model, world), notAudited(world)]);
  expect([...stranded, ...rest.flat()]).toEqual([]);
}

test('whatever happens in whatever order: one live run per window, none stranded, none lost, no slot too many, all audited', {
  timeout: 900_000,
}, async () => {
  process.stdout.write(`${wanted} histories, seed: PIPEWRIGHT_SEED=${seed}\n`);
  const worlds = await Promise.all(Array.from({ length: lanes }, createWorld));
  const numRuns = Math.ceil(wanted / lanes);
  try {
    await Promise.all(
      worlds.map((world, lane) =>
        fc.assert(
          fc.asyncProperty(histories, (commands) => live(world, commands)),
          { seed: seed + lane, numRuns, endOnFailure: process.env.PIPEWRIGHT_SHRINK === undefined },
        ),
      ),
    );
  } finally {
    await Promise.all(worlds.map((world) => world.close()));
  }
});
