import type { CompiledSchedule, PipelineBlock } from '../../schemas/generated/types.ts';
import { didYouMean } from '../expressions/suggest.ts';
import type { ScopeNames } from '../expressions/template.ts';
import { type Body, checkBody, checkOneForm } from './check-body.ts';
import { checkDeclarations, checkWith } from './check-parameters.ts';
import { checkTexts, needsWindow } from './check-texts.ts';
import { type Context, createReport, type Report } from './context.ts';
import { checkDurations } from './duration.ts';
import { sortBlocks } from './graph.ts';
import { at, type BlockManifest, isSound, type PipelineManifest } from './manifest.ts';
import { compileSchedule } from './schedule.ts';

/** What checking a pipeline finds out and compiling it needs. */
export type Checked = { readonly order: readonly PipelineBlock[]; readonly schedule: CompiledSchedule | null };

/** Checks a pipeline. Undefined when it has problems, or uses a Block or Connection that has. */
export function checkPipeline(context: Context, manifest: PipelineManifest): Checked | undefined {
  const report = createReport(context, manifest);
  const schedule = checkSchedule(context, manifest, report);
  checkVariables(manifest, report);
  checkTexts({ context, manifest, definition: 'PipelineSpec', names: namesOf(manifest) });
  checkDurations(manifest, report);
  const blocks = blocksOf(manifest);
  for (const { block, index } of blocks) checkBlock(context, manifest, block, index);
  const order = checkGraph(context, manifest, report);
  const dependsOnBroken = blocks.some(({ block }) => usesBroken(context, block));
  if (context.diagnostics.isBroken(manifest) || dependsOnBroken || !order || schedule === undefined) return undefined;
  return { order, schedule };
}

/** Undefined: it has problems. Null: there is none. */
function checkSchedule(context: Context, manifest: PipelineManifest, report: Report): CompiledSchedule | null | undefined {
  if (!isSound(manifest, ['spec', 'schedule'])) return undefined;
  const schedule = at(manifest.value, ['spec', 'schedule']) as PipelineManifest['value']['spec']['schedule'];
  return schedule ? compileSchedule(context, schedule, report) : null;
}

function checkVariables(manifest: PipelineManifest, report: Report): void {
  const path = ['spec', 'variables'];
  if (!isSound(manifest, path)) return;
  const { variables = {}, schedule } = manifest.value.spec;
  checkDeclarations(variables, report, path);
  if (!schedule) return;
  for (const [name, variable] of Object.entries(variables)) {
    if (variable.default !== undefined) continue;
    report([...path, name], 'missing-default', 'has no default, and no one gives values to scheduled runs; add one', { on: 'key' });
  }
}

function namesOf({ value }: PipelineManifest): ScopeNames {
  const variables = Object.keys((at(value, ['spec', 'variables']) as object | undefined) ?? {});
  const scheduled = at(value, ['spec', 'schedule']) !== undefined;
  return { variables, window: scheduled ? 'present' : 'absent', run: true, environment: false };
}

type Numbered = { readonly block: PipelineBlock; readonly index: number };

/** The blocks that fit their schema. */
function blocksOf(manifest: PipelineManifest): Numbered[] {
  const blocks = at(manifest.value, ['spec', 'blocks']);
  if (!Array.isArray(blocks)) return [];
  const numbered = (blocks as PipelineBlock[]).map((block, index) => ({ block, index }));
  return numbered.filter(({ index }) => isSound(manifest, ['spec', 'blocks', index]));
}

function checkBlock(context: Context, manifest: PipelineManifest, block: PipelineBlock, index: number): void {
  const report = createReport(context, manifest);
  const path = ['spec', 'blocks', index];
  const { schedule } = manifest.value.spec;
  checkOneForm(report, path, block, ['load', 'transform', 'export', 'use']);
  checkBody({ context, manifest, body: block, path });
  if (!schedule && block.export?.postgres.write.mode === 'replaceWindow') {
    const message = 'is replaceWindow, and there is no window without a schedule; add `schedule` to the pipeline or choose another mode';
    report([...path, 'export', 'postgres', 'write', 'mode'], 'window-needed', message);
  }
  if (block.use !== undefined) checkUse(context, manifest, block, block.use, index);
  else if (block.with) report([...path, 'with'], 'bad-parameter', 'is only for `use`; add `use: NAME` or remove it', { on: 'key' });
  checkInputs(context, block, report, path);
}

function checkUse(context: Context, manifest: PipelineManifest, block: PipelineBlock, use: string, index: number): void {
  const report = createReport(context, manifest);
  const path = ['spec', 'blocks', index];
  const used = context.find('Block', use);
  if (used === 'broken') return;
  if (!used) {
    report([...path, 'use'], 'unknown-block', `names "${use}", and there is no such Block${context.hint('Block', use)}`);
    return;
  }
  checkWith({ values: block.with ?? {}, declared: used.value.spec.parameters ?? {}, use, report, path });
  if (manifest.value.spec.schedule || !needsWindow(context, used)) return;
  report([...path, 'use'], 'window-needed', `names "${use}", which needs a window, and there is none without a schedule; add \`schedule\` to the pipeline`);
}

function checkInputs(context: Context, block: PipelineBlock, report: Report, path: (string | number)[]): void {
  const body = bodyOf(context, block);
  const count = block.from?.length ?? 0;
  if (body?.load && count > 0) {
    report([...path, 'from'], 'missing-input', 'cannot stand here, since a load reads no other block; use `needs` to only wait for one', { on: 'key' });
  }
  if (body?.transform && count === 0) {
    report(path, 'missing-input', 'transforms and has no input; add `from: [BLOCK]` with the blocks that its SQL reads', { on: 'key' });
  }
  if (body?.export && count !== 1) {
    const found = count === 0 ? 'no input' : `${count} inputs`;
    report(path, 'missing-input', `exports and has ${found}; add \`from: [BLOCK]\` with the one block whose rows it takes`, { on: 'key' });
  }
}

/** What a block does, also when a Block does it; undefined when that is not known. */
function bodyOf(context: Context, block: PipelineBlock): Body | undefined {
  if (block.use === undefined) return block;
  const used = context.find('Block', block.use);
  return used && used !== 'broken' ? used.value.spec : undefined;
}

function usesBroken(context: Context, block: PipelineBlock): boolean {
  if (block.use !== undefined && context.find('Block', block.use) === 'broken') return true;
  const body = bodyOf(context, block);
  const names = [body?.load?.http?.connection, body?.load?.postgres?.connection, body?.export?.postgres.connection];
  return names.some((name) => name !== undefined && context.find('Connection', name) === 'broken');
}

/** Checks names and references of blocks. The blocks in topological order, or undefined when something is wrong. */
function checkGraph(context: Context, manifest: PipelineManifest, report: Report): readonly PipelineBlock[] | undefined {
  const all = at(manifest.value, ['spec', 'blocks']);
  const names = (Array.isArray(all) ? all : []).map((block) => at(block, ['name'])).filter((name) => typeof name === 'string');
  const blocks = blocksOf(manifest);
  const byName = new Map<string, Numbered>();
  for (const numbered of blocks) {
    const { block, index } = numbered;
    const earlier = byName.get(block.name);
    if (!earlier) byName.set(block.name, numbered);
    else report(['spec', 'blocks', index, 'name'], 'duplicate-name', `is the name of block ${earlier.index + 1} already; choose another one`);
  }
  for (const { block, index } of blocks) {
    for (const field of ['from', 'needs'] as const) {
      for (const [position, name] of (block[field] ?? []).entries()) {
        checkReference({ context, report, names, block, field, name, source: byName.get(name)?.block, path: ['spec', 'blocks', index, field, position] });
      }
    }
  }
  if (context.diagnostics.isBroken(manifest)) return undefined;
  const sorted = sortBlocks(blocks.map(({ block }) => block));
  if ('order' in sorted) return sorted.order;
  const [first = ''] = sorted.cycle;
  const circle = [...sorted.cycle, first].map((name) => `"${name}"`).join(' → ');
  report(['spec', 'blocks', byName.get(first)?.index ?? 0], 'cycle', `waits for itself: ${circle}; remove one of these references`, { on: 'key' });
  return undefined;
}

function checkReference(options: {
  context: Context;
  report: Report;
  names: readonly string[];
  block: PipelineBlock;
  field: 'from' | 'needs';
  name: string;
  source: PipelineBlock | undefined;
  path: (string | number)[];
}): void {
  const { context, report, names, block, field, name, source, path } = options;
  const verb = field === 'from' ? 'reads from' : 'needs';
  if (name === block.name) {
    report(path, 'self-reference', `names the block itself; remove it`);
  } else if (!names.includes(name)) {
    const others = names.filter((other) => other !== block.name);
    const known = others.length === 0 ? '; the pipeline has no other block' : `; the blocks are ${others.join(', ')}`;
    report(path, 'unknown-block', `${verb} "${name}", which does not exist${didYouMean(name, others) || known}`);
  } else if (field === 'from' && source && bodyOf(context, source)?.export) {
    report(path, 'missing-input', `reads from "${name}", which is an export and has no rows; read from what it reads, or use \`needs\` to wait for it`);
  }
}

/** Checks a Block: what it says by itself. */
export function checkBlockManifest(context: Context, manifest: BlockManifest, names: ScopeNames): void {
  const report = createReport(context, manifest);
  checkTexts({ context, manifest, definition: 'BlockSpec', names });
  if (manifest.faults.length > 0) return;
  const { spec } = manifest.value;
  checkDeclarations(spec.parameters ?? {}, report, ['spec', 'parameters']);
  checkOneForm(report, ['spec'], spec, ['load', 'transform', 'export']);
  checkBody({ context, manifest, body: spec, path: ['spec'] });
}
