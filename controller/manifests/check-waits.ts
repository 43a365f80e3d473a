import { isDeepStrictEqual } from 'node:util';
import type { PipelineBlock, Schedule, Wait } from '../../schemas/generated/types.ts';
import { type Context, createReport, type Report } from './context.ts';
import { sortBlocks } from './graph.ts';
import type { Path } from './locate.ts';
import { at, isSound, type Manifest, type PipelineManifest } from './manifest.ts';
import { compileSchedule } from './schedule.ts';

const ownFields = ['name', 'description', 'wait'];
/** What stands beside `wait` here is a matter of exactly one form. */
const otherForms = ['load', 'transform', 'export', 'container', 'use', 'with'];

/** Checks what stands beside a block’s `wait`: it is over before any block of the run begins, and does nothing itself. */
export function checkBesideWait(block: PipelineBlock, report: Report, path: Path): void {
  if (block.wait === undefined) return;
  for (const field of Object.keys(block)) {
    if (ownFields.includes(field) || otherForms.includes(field)) continue;
    const message = 'cannot stand beside `wait`, since the run waits before its first block begins; remove it';
    report([...path, field], 'bad-value', message, { on: 'key' });
  }
}

type PlacedWait = { readonly wait: Wait; readonly path: Path };

/** Checks what pipelines wait for: each other, with windows, and in no circle. */
export function checkWaits(context: Context, manifests: readonly Manifest[]): void {
  const waiting = manifests.flatMap((manifest) => {
    const waits = manifest.kind === 'Pipeline' ? waitsOf(manifest) : [];
    return manifest.kind === 'Pipeline' && waits.length > 0 ? [{ manifest, waits }] : [];
  });
  for (const { manifest, waits } of waiting) for (const each of waits) checkTarget(context, manifest, each);
  checkCircles(context, waiting);
}

/** Its waits that fit their schema. */
function waitsOf(manifest: PipelineManifest): PlacedWait[] {
  const blocks = at(manifest.value, ['spec', 'blocks']);
  if (!Array.isArray(blocks)) return [];
  return blocks.flatMap((block: PipelineBlock, index) => {
    const path = ['spec', 'blocks', index, 'wait'];
    return at(block, ['wait']) !== undefined && isSound(manifest, path) ? [{ wait: block.wait as Wait, path }] : [];
  });
}

function checkTarget(context: Context, manifest: PipelineManifest, { wait, path }: PlacedWait): void {
  const report = createReport(context, manifest);
  const named = [...path, 'pipeline'];
  if (wait.pipeline === manifest.name) {
    report(named, 'self-reference', 'names the pipeline itself; remove it');
    return;
  }
  const own = scheduleOf(manifest);
  if (own === undefined && isSound(manifest, ['spec', 'schedule'])) {
    const message = 'needs a window, and there is none without a schedule; add `schedule` to the pipeline';
    report(path, 'window-needed', message, { on: 'key' });
  }
  const target = context.find('Pipeline', wait.pipeline);
  if (target === undefined) {
    const hint = context.hint('Pipeline', wait.pipeline);
    report(named, 'unknown-pipeline', `names "${wait.pipeline}", and there is no such Pipeline${hint}`);
  }
  // What is wrong with the other one is reported there, and its last good version goes on.
  if (target === undefined || target === 'broken') return;
  const theirs = scheduleOf(target);
  if (theirs === undefined) {
    const fact = `names "${wait.pipeline}", which has no schedule and so no windows`;
    report(named, 'window-needed', `${fact}; add \`schedule\` to it, or wait for another pipeline`);
  } else if (wait.window === 'same' && own !== undefined && !cutAlike(context, own, theirs)) {
    const fact = `is same, and "${wait.pipeline}" cuts time in another way`;
    report([...path, 'window'], 'bad-value', `${fact}; write \`covering\`, or give both the same \`schedule\``);
  }
}

function scheduleOf(manifest: PipelineManifest): Schedule | undefined {
  return at(manifest.value, ['spec', 'schedule']) as Schedule | undefined;
}

/** Schedules with problems count as alike: their problems are enough. */
function cutAlike(context: Context, one: Schedule, other: Schedule): boolean {
  const [a, b] = [one, other].map((schedule) => {
    const compiled = compileSchedule({ context, pipeline: '', schedule, report: () => {} });
    return compiled?.calendar;
  });
  return a === undefined || b === undefined || isDeepStrictEqual(a, b);
}

type Waiting = { readonly manifest: PipelineManifest; readonly waits: readonly PlacedWait[] };

/** All pipelines of a circle are broken by it: whichever of them went on would wait for one that cannot. */
function checkCircles(context: Context, waiting: readonly Waiting[]): void {
  const byName = new Map(waiting.map((each) => [each.manifest.name, each]));
  for (;;) {
    const nodes = [...byName].map(([name, { waits }]) => {
      const needs = waits.map(({ wait }) => wait.pipeline).filter((target) => target !== name);
      return { name, needs };
    });
    const sorted = sortBlocks(nodes);
    if ('order' in sorted) return;
    const { cycle } = sorted;
    const circle = [...cycle, cycle[0]].map((name) => `"${name}"`).join(' → ');
    cycle.forEach((name, index) => {
      const next = cycle[(index + 1) % cycle.length];
      const found = byName.get(name);
      const edge = found?.waits.find(({ wait }) => wait.pipeline === next);
      if (!found || !edge) return;
      const message = `closes a circle of pipelines that wait for each other: ${circle}; remove one of these waits`;
      createReport(context, found.manifest)([...edge.path, 'pipeline'], 'cycle', message);
    });
    for (const name of cycle) byName.delete(name);
  }
}
