import fc from 'fast-check';
import { failpoints } from '../../schemas/failpoints.ts';
import { command, pass } from './command.ts';
import { type Definition, everies, type Model, schedule, startAt, sync } from './pipeline.ts';
import { backfillChanges, backfills, ofSomeRun, runs } from './requests.ts';
import { type StepName, stepNames, type World } from './world.ts';

const minuteMs = 60_000;

const places = (step: StepName) =>
  failpoints.filter((name) =>
    [step, ...(step === 'launch' ? ['stop'] : []), ...(step === 'observe' ? ['fence'] : [])].includes(
      name.split('.')[0] ?? '',
    ),
  );

const aStep = fc.constantFrom(...stepNames);
const aController = fc.nat(1);
/** One owner syncs, as in the product; the other steps are anybody's. */
const whose = (which: number, step: StepName) => (step === 'sync' ? 0 : which);

const passes = fc
  .tuple(aController, aStep)
  .map(([which, step]) => command(`${step} by ${whose(which, step)}`, (m, w) => pass(m, w, whose(which, step), step)));

const crashes = fc
  .tuple(aController, aStep)
  .chain(([which, step]) => fc.tuple(fc.constant(which), fc.constant(step), fc.constantFrom(...places(step))))
  .map(([which, step, at]) =>
    command(`crash of ${whose(which, step)} at ${at}`, (m, w) => pass(m, w, whose(which, step), step, at)),
  );

const rounds = aController.map((which) =>
  command(`a round by ${which}`, async (model, world) => {
    for (const step of stepNames) await pass(model, world, whose(which, step), step);
  }),
);

/** Sync and schedule are left apart: which of them is first says what is cut. */
const together = fc
  .tuple(aStep, aStep)
  .filter(([a, b]) => b !== 'sync' && !(a === 'sync' && b === 'schedule'))
  .map(([a, b]) =>
    command(`${a} and ${b} at once`, async (model, world) => {
      await Promise.all([world.pass(0, a), world.pass(1, b)]);
      if (a === 'sync') sync(model);
      if (a === 'schedule' || b === 'schedule') schedule(model);
    }),
  );

/** Forward past what waits, and back as clocks that are set do; never before the beginning. */
const clock = fc.oneof(fc.integer({ min: 1, max: 150 }), fc.constantFrom(-40, -5)).map((minutes) =>
  command(`the clock goes ${minutes} minutes`, async (model, world) => {
    model.now = Math.max(startAt, model.now + minutes * minuteMs);
    model.latest = Math.max(model.latest, model.now);
    await world.setClock(model.now);
  }),
);

const change = fc.oneof(
  fc.record({ maxActiveRuns: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ suspend: fc.boolean() }),
  fc.record({ catchUp: fc.constantFrom('all' as const, 'latest' as const) }),
  fc.record({ note: fc.integer({ min: 1, max: 9 }) }),
);
const edits = change.map((changed) =>
  command(`edit ${JSON.stringify(changed)}`, (model, world) =>
    write(model, world, { ...writtenOf(model), ...changed }),
  ),
);
/**
 * A calendar that takes over goes round windows that somebody asked for before they were due, which the model does not follow; so
 * that is left out (test/steps/changed-calendars.test.ts has it). Synced at once, since a request in between would ask for windows of
 * the old one.
 */
const calendars = fc.constantFrom(...everies).map((every) =>
  command(
    `edit every: ${every}`,
    async (model, world) => {
      await write(model, world, { ...writtenOf(model), every });
      await pass(model, world, 0, 'sync');
    },
    (model) => model.askedUntil <= model.cursor,
  ),
);
const removals = fc.constant(command('remove the manifest', (model, world) => write(model, world, null)));

/** A manifest that comes back says what it said before. */
export const writtenOf = (model: Model): Definition => model.written ?? model.last;

export async function write(model: Model, world: World, definition: Definition | null): Promise<void> {
  model.written = definition;
  if (definition) model.last = definition;
  await world.write(definition);
}

const endings = [
  'Succeeded',
  'Succeeded',
  'Cancelled',
  'gone',
  'silent',
  { reason: 'LoadFailed' },
  { gone: 'NodeLost' },
] as const;
const attempts = fc.tuple(fc.nat(9), fc.constantFrom(...endings)).map(([nth, ending]) =>
  command(`an attempt ends: ${JSON.stringify(ending)}`, async (_, world) => {
    const running = world.fake.running();
    const id = running[nth % running.length];
    if (id !== undefined) world.fake.end(id, ending);
  }),
);

/** Crashes, and controllers and clocks that come across each other, are in any of them. */
const trouble = [crashes, crashes, together, clock];
const kinds = [
  [
    ...trouble,
    passes,
    rounds,
    clock,
    edits,
    calendars,
    removals,
    attempts,
    runs,
    ofSomeRun,
    backfills,
    backfillChanges,
  ],
  [...trouble, rounds, attempts, backfills, backfills, backfillChanges, backfillChanges, backfillChanges, ofSomeRun],
  [...trouble, rounds, passes, clock, clock, edits, edits, calendars, removals, attempts],
  [...trouble, rounds, attempts, attempts, runs, ofSomeRun, ofSomeRun, edits],
];

/** All that can happen, in any order; some histories know only a part of it, and so go deeper into that. */
export const histories = fc.oneof(...kinds.map((kind) => fc.commands(kind, { maxCommands: 14, size: 'max' })));
