import type { CompiledSchedule, CompiledTask, PipelineBlock } from '../../schemas/generated/types.ts';
import type { ScopeNames } from '../expressions/template.ts';
import { checkBlock, usesBroken } from './check-block.ts';
import { checkGraph, type NumberedBlock } from './check-graph.ts';
import { checkHandOver } from './check-hand-over.ts';
import { checkDeclarations } from './check-parameters.ts';
import { checkPlace } from './check-place.ts';
import { checkPod } from './check-pod.ts';
import { checkPools, usesBrokenPool } from './check-pools.ts';
import { checkTexts } from './check-texts.ts';
import { type Context, createReport, type Report } from './context.ts';
import { checkDurations } from './duration.ts';
import { at, isSound, type PipelineManifest } from './manifest.ts';
import { outputNames } from './outputs.ts';
import { compileSchedule } from './schedule.ts';
import { compileTasks } from './tasks.ts';

/** What checking a pipeline finds out and compiling it needs. */
export type Checked = {
  /** The blocks in topological order. */
  readonly order: readonly PipelineBlock[];
  readonly schedule: CompiledSchedule | null;
  readonly tasks: readonly CompiledTask[];
};

/** Checks a pipeline. Undefined when it has problems, or uses a Block or Connection that has. */
export function checkPipeline(context: Context, manifest: PipelineManifest): Checked | undefined {
  const report = createReport(context, manifest);
  const schedule = checkSchedule(context, manifest, report);
  checkVariables(manifest, report);
  const names = namesOf(manifest);
  const outputs = outputNames(context, manifest);
  checkTexts({
    context,
    manifest,
    definition: 'PipelineSpec',
    names: (path, text) => (text.includes('outputs') ? { ...names, ...outputs(path) } : names),
  });
  checkDurations(manifest, report);
  const blocks = blocksOf(manifest);
  for (const { block, index } of blocks) checkBlock(context, manifest, block, index);
  checkPods(manifest, report);
  checkPlace(context, manifest, blocks);
  checkPools(context, manifest, blocks);
  const order = checkGraph(context, manifest, blocks);
  const dependsOnBroken =
    blocks.some(({ block }) => usesBroken(context, block)) || usesBrokenPool(context, manifest, blocks);
  if (context.diagnostics.isBroken(manifest) || dependsOnBroken || !order || schedule === undefined) return undefined;
  const tasks = compileTasks(context, manifest.value.spec, order);
  checkHandOver(context, manifest, tasks);
  return context.diagnostics.isBroken(manifest) ? undefined : { order, schedule, tasks };
}

/** Undefined: it has problems. Null: there is none. */
function checkSchedule(
  context: Context,
  manifest: PipelineManifest,
  report: Report,
): CompiledSchedule | null | undefined {
  if (!isSound(manifest, ['spec', 'schedule'])) return undefined;
  const schedule = at(manifest.value, ['spec', 'schedule']) as PipelineManifest['value']['spec']['schedule'];
  return schedule ? compileSchedule({ context, pipeline: manifest.name, schedule, report }) : null;
}

function checkVariables(manifest: PipelineManifest, report: Report): void {
  const path = ['spec', 'variables'];
  if (!isSound(manifest, path)) return;
  const { variables = {}, schedule } = manifest.value.spec;
  checkDeclarations(variables, report, path);
  if (!schedule) return;
  for (const [name, variable] of Object.entries(variables)) {
    if (variable.default !== undefined) continue;
    report([...path, name], 'missing-default', 'has no default, and no one gives values to scheduled runs; add one', {
      on: 'key',
    });
  }
}

/** The pods of all blocks; each block’s own is checked with the block. */
function checkPods(manifest: PipelineManifest, report: Report): void {
  const { resources, pod } = manifest.value.spec;
  if (resources && isSound(manifest, ['spec', 'resources'])) checkPod({ resources }, report, ['spec']);
  if (pod && isSound(manifest, ['spec', 'pod'])) checkPod({ pod }, report, ['spec']);
}

function namesOf({ value }: PipelineManifest): ScopeNames {
  const variables = Object.keys((at(value, ['spec', 'variables']) as object | undefined) ?? {});
  const scheduled = at(value, ['spec', 'schedule']) !== undefined;
  return { variables, window: scheduled ? 'present' : 'absent', run: true, environment: false };
}

/** The blocks that fit their schema. */
function blocksOf(manifest: PipelineManifest): NumberedBlock[] {
  const blocks = at(manifest.value, ['spec', 'blocks']);
  if (!Array.isArray(blocks)) return [];
  const numbered = (blocks as PipelineBlock[]).map((block, index) => ({ block, index }));
  return numbered.filter(({ index }) => isSound(manifest, ['spec', 'blocks', index]));
}
