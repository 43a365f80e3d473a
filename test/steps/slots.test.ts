import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FailpointName } from '../../schemas/failpoints.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { blocks, heldSlots, poolManifest } from '../support/pools.ts';

const seed = Number(process.env.PIPEWRIGHT_SEED ?? Date.now() % 1_000_000);
const limits = { maxActiveRuns: 6, maxActiveRunsPerSource: 5 };
const signal = new AbortController().signal;

let ledger: TestLedger;
let histories = 0;
beforeAll(async () => {
  process.stdout.write(`seed: PIPEWRIGHT_SEED=${seed}\n`);
  ledger = await createTestLedger({ limits, capacity: 4 });
});
afterAll(() => ledger.close());

const steps = ['intake', 'admit', 'advance', 'launch', 'observe'] as const;
const crashes = [
  ...(['admit.before-commit', 'admit.after-commit', 'launch.before-claim', 'launch.after-claim'] as const),
  ...(['launch.after-effect', 'launch.after-settle', 'stop.before-effect', 'observe.before-commit'] as const),
  ...(['observe.after-commit', 'fence.before-effect', 'fence.after-effect', 'advance.before-commit'] as const),
  ...(['advance.after-commit', 'intake.before-commit', 'intake.after-commit'] as const),
] satisfies FailpointName[];

const pipeline = fc.record({
  runs: fc.option(fc.constant('wide'), { nil: null }),
  tasks: fc.array(fc.option(fc.constant('narrow'), { nil: null }), { minLength: 1, maxLength: 3 }),
  most: fc.integer({ min: 1, max: 4 }),
  priority: fc.integer({ min: 0, max: 1 }),
});
const nth = fc.nat({ max: 50 });
const ended = fc.constantFrom(
  'Succeeded' as const,
  'Cancelled' as const,
  'gone' as const,
  { reason: 'LoadFailed' } as const,
);
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), nth }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('round' as const), nth }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), nth, how: ended }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), nth }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), nth, at: fc.constantFrom(...crashes) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;
const history = fc.record({
  slots: fc.record({ wide: fc.integer({ min: 1, max: 3 }), narrow: fc.integer({ min: 1, max: 2 }) }),
  pipelines: fc.array(pipeline, { minLength: 2, maxLength: 3 }),
  actions: fc.array(action, { minLength: 10, maxLength: 25 }),
});
type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** Writes the manifests of a history instead of those before, and returns the names of its pipelines. */
async function begin({ slots, pipelines }: History): Promise<string[]> {
  histories += 1;
  const pools = Object.entries(slots).map(([name, n]) => poolManifest(name, n));
  const written = pipelines.map(({ runs, tasks, most, priority }, index) => {
    const spec = `maxActiveRuns: ${most}\npriority: ${priority}\n${runs ? `pool: ${runs}\n` : ''}`;
    const body = blocks(...tasks.map((pool, at) => [`t${at}`, pool ? `pool: ${pool}` : ''] as const));
    return manifest(`h${histories}-p${index}`, spec, body);
  });
  await ledger.write({ 'all.yaml': [...pools, ...written].join('---\n') });
  await ledger.pass('sync');
  return pipelines.map((_, index) => `h${histories}-p${index}`);
}

async function act(given: Action, names: readonly string[]): Promise<void> {
  const pick = <T>(from: readonly T[]): T | undefined => from[given.nth % Math.max(1, from.length)];
  if (given.do === 'ask') await ledger.ask('run', { pipeline: pick(names) });
  else if (given.do === 'round') await ledger.pass(...steps);
  else if (given.do === 'end') {
    const id = pick(ledger.fake.running());
    if (id) ledger.fake.end(id, given.how);
  } else if (given.do === 'cancel') {
    const live = await ledger.query(`select name from runs where phase in ('Queued', 'Running') order by id`);
    const run = pick(live)?.name;
    if (run) await ledger.ask('cancel', { run });
  } else await crash(given.at);
}

/** A controller that is killed at a place of its step, and the next one, which begins as every start does. */
async function crash(at: FailpointName): Promise<void> {
  const failpoint = (name: FailpointName) => {
    if (name === at) throw new Error('killed');
  };
  const step = { stop: 'launch', fence: 'observe' }[at.split('.')[0] ?? ''] ?? at.split('.')[0];
  const killed = ledger.start({ failpoint })[step as (typeof steps)[number]];
  await killed.pass(signal).catch(() => {});
  await killed.finish?.().catch(() => {});
  await ledger.query(`update attempts set claimed_until = '-infinity' where phase = 'Claimed'`);
}

async function expectWithin({ slots, pipelines }: History, names: readonly string[]): Promise<void> {
  for (const [name, held] of Object.entries(await heldSlots(ledger)))
    expect([name, held <= slots[name as keyof typeof slots]]).toEqual([name, true]);
  const running = await ledger.query(
    `select p.name, count(*)::int as runs from runs r join pipelines p on p.id = r.pipeline_id where r.phase = 'Running' group by 1`,
  );
  for (const { name, runs } of running) expect(runs).toBeLessThanOrEqual(pipelines[names.indexOf(name)]?.most ?? 0);
  const sum = running.reduce((total, { runs }) => total + runs, 0);
  expect(sum).toBeLessThanOrEqual(limits.maxActiveRunsPerSource);
  expect(ledger.fake.running().length).toBeLessThanOrEqual(4);
}

const live = () => ledger.query(`select name from runs where phase in ('Queued', 'Running')`);

// Kestra's concurrency slots leak when an execution is killed.
test('slots and limits are never exceeded, none leaks wherever a controller is killed, and everything comes to its end', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (given) => {
      const names = await begin(given);
      for (const one of given.actions) {
        await act(one, names);
        await expectWithin(given, names);
      }
      for (let rounds = 0; rounds < 200 && (await live()).length > 0; rounds++) {
        ledger.fake.endAll('Succeeded');
        await ledger.query(`update tasks set not_before = null where not_before > now()`);
        await ledger.pass(...steps);
        await expectWithin(given, names);
      }
      expect(await live()).toEqual([]);
      expect(await heldSlots(ledger)).toEqual({});
      expect(await ledger.query(`select from attempts where phase in ('Claimed', 'Running')`)).toEqual([]);
    }),
    { seed, numRuns: 20, endOnFailure: true },
  );
}, 120_000);

test('while a pipeline waits, no other gets two turns', async () => {
  const one = await createTestLedger({ limits: { maxActiveRuns: 1 } });
  const names = ['a', 'b', 'c'];
  await one.write(Object.fromEntries(names.map((name) => [`${name}.yaml`, manifest(name, 'maxActiveRuns: 9\n')])));
  await one.pass('sync');
  const asks = fc.array(fc.option(fc.constantFrom(...names), { nil: null, freq: 2 }), { minLength: 8, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(asks, async (given) => {
      const before = (await one.query('select coalesce(max(id), 0) as id from runs'))[0]?.id;
      for (const name of [...given, ...given.map(() => null)]) {
        if (name) await one.ask('run', { pipeline: name });
        else {
          one.fake.endAll('Succeeded');
          await one.pass('observe', 'advance', 'admit', 'advance', 'launch');
        }
      }
      const runs: { name: string; queued: Date; admitted: Date }[] = await one.query(
        `select p.name, r.queued_at as queued, r.admitted_at as admitted from runs r join pipelines p on p.id = r.pipeline_id
         where r.id > $1 and r.admitted_at is not null order by r.admitted_at`,
        [before],
      );
      for (const [at, run] of runs.entries()) {
        const last = runs.slice(0, at).findLast(({ name }) => name === run.name);
        const passedOver = runs.slice(at + 1).find(({ name, queued }) => {
          const between = runs.slice(last ? runs.indexOf(last) + 1 : at, at);
          return last && name !== run.name && queued < last.admitted && !between.some((other) => other.name === name);
        });
        expect(passedOver).toBeUndefined();
      }
    }),
    { seed, numRuns: 6, endOnFailure: true },
  );
  await one.close();
}, 120_000);
