import pc from 'picocolors';
import { expect, test } from 'vitest';
import { planMarkdown } from '../../../cli/plan/markdown.ts';
import { planText } from '../../../cli/plan/text.ts';
import { askedPipelines, withFacts } from '../../../controller/plan/facts.ts';
import type { PipelineFacts } from '../../../schemas/generated/types.ts';
import { head, inline, pipeline, planOf } from './planned.ts';

const facts = (name: string, more: Partial<PipelineFacts> = {}): PipelineFacts => ({
  pipeline: name,
  succeeded: 0,
  isMore: false,
  activeRuns: 0,
  queuedRuns: 0,
  meanDurationMs: null,
  backfills: [],
  ...more,
});
const factsOf = (...all: PipelineFacts[]) => ({
  pipelines: new Map(all.map((each) => [each.pipeline, each])),
  previews: new Map(),
});
const daily = (rows: number, every = 'day') =>
  pipeline(
    'daily',
    `schedule: { every: ${every}, startAt: 2024-01-01 }\nmaxActiveRuns: 4\nblocks: [{ name: rows, load: { inline: { rows: [{ n: ${rows} }] } } }]\n`,
  );
const running = { name: 'reload', version: 'head' as const, waiting: 300, live: 4, succeeded: 427 };

test('what a controller knows of a changed pipeline stands beside the change', async () => {
  const known = facts('daily', {
    succeeded: 812,
    activeRuns: 2,
    queuedRuns: 1,
    meanDurationMs: 72_000,
    backfills: [running],
  });
  const plan = withFacts(planOf({ 'a.yaml': daily(1) }, { 'a.yaml': daily(2) }), factsOf(known));
  await expect(planMarkdown(plan)).toMatchFileSnapshot('golden/server.md');
  await expect(planText(plan, pc.createColors(false))).toMatchFileSnapshot('golden/server.txt');
});

test('a new Backfill is told with what has run already, and how long it takes', async () => {
  const backfill = `${head('Backfill', 'two-years')}spec: { pipeline: daily, from: "2024", to: "2026", rerun: failed, maxActiveRuns: 8 }\n`;
  const plan = planOf({ 'a.yaml': daily(1) }, { 'a.yaml': daily(1), 'b.yaml': backfill });
  expect(askedPipelines(plan)).toEqual(['daily']);
  const known = withFacts(plan, {
    ...factsOf(facts('daily', { meanDurationMs: 72_000 })),
    previews: new Map([['two-years', { windows: 131, kept: 600 }]]),
  });
  await expect(planMarkdown(known)).toMatchFileSnapshot('golden/two-years.md');
});

test('backfills that the change breaks are named, each with what becomes of it', () => {
  const messages = (headSources: Record<string, string>, backfill: PipelineFacts['backfills'][number] = running) => {
    const manifest = `${head('Backfill', 'reload')}spec: { pipeline: daily, from: "2024", to: "2026" }\n`;
    const plan = planOf({ 'a.yaml': daily(1), 'b.yaml': manifest }, headSources);
    const known = withFacts(plan, factsOf(facts('daily', { succeeded: 5, backfills: [backfill] })));
    return known.pipelines.flatMap(({ warnings }) => warnings.map(({ message }) => message));
  };
  const kept = { 'b.yaml': `${head('Backfill', 'reload')}spec: { pipeline: daily, from: "2024", to: "2026" }\n` };
  expect(messages({})).toEqual(['backfill "reload" ends with the pipeline: 300 of its windows are never run']);
  expect(messages({ 'a.yaml': daily(2) })).toEqual([
    'backfill "reload" is taken out while it runs: 300 of its windows are not run',
  ]);
  expect(messages({ ...kept, 'a.yaml': daily(2) })).toEqual([
    'backfill "reload" is half done: 427 of its windows were made by the version before, and 300 will be by the new one',
  ]);
  expect(messages({ ...kept, 'a.yaml': daily(1, 'week') })).toEqual([
    'backfill "reload" goes on with windows of the old schedule: 300 of its windows are still to run',
  ]);
  expect(messages({ ...kept, 'a.yaml': daily(2) }, { ...running, version: 'original' })).toEqual([]);
  expect(messages({ ...kept, 'a.yaml': daily(2) }, { ...running, waiting: 0 })).toEqual([]);
});

test('of pipelines that a shared change reaches, what they know is added up', () => {
  const block = (n: number) => `${head('Block', 'rows')}spec: { load: { inline: { rows: [{ n: ${n} }] } } }\n`;
  const use = (name: string) =>
    pipeline(name, 'schedule: { every: day, startAt: 2024-01-01 }\nblocks: [{ name: rows, use: rows }]\n');
  const both = { 'a.yaml': use('a'), 'b.yaml': use('b') };
  const plan = planOf({ ...both, 'c.yaml': block(1) }, { ...both, 'c.yaml': block(2) });
  expect(planMarkdown(plan)).toContain('Windows that have succeeded turn stale (at most 1,618: so many have closed)');
  const known = withFacts(
    plan,
    factsOf(
      facts('a', { succeeded: 10, meanDurationMs: 60_000 }),
      facts('b', { succeeded: 1000, isMore: true, meanDurationMs: 1_000 }),
    ),
  );
  expect(planMarkdown(known)).toContain(
    '1,010 windows that have succeeded turn stale, of the newest 1,000 of each pipeline; `pipewright backfill --rerun stale` runs them again, 26m 40s of runs in all.',
  );
});

test('a pipeline that the controller does not know stays as it is', () => {
  const plan = planOf({ 'a.yaml': daily(1) }, { 'a.yaml': daily(2), 'n.yaml': pipeline('new', inline) });
  expect(withFacts(plan, factsOf())).toEqual(plan);
});
