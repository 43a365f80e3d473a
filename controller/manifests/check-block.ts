import type { PipelineBlock } from '../../schemas/generated/types.ts';
import { type Body, checkBody, checkOneForm } from './check-body.ts';
import { checkDeclarations, checkWith } from './check-parameters.ts';
import { checkPod } from './check-pod.ts';
import { blockNames, checkTexts, needsWindow } from './check-texts.ts';
import { checkBesideWait } from './check-waits.ts';
import { type Context, createReport, type Report } from './context.ts';
import { reportExcess } from './excess.ts';
import type { Path } from './locate.ts';
import type { BlockManifest, PipelineManifest } from './manifest.ts';

/** Checks a Block: what it says by itself. */
export function checkBlockManifest(context: Context, manifest: BlockManifest): void {
  const report = createReport(context, manifest);
  const names = blockNames(manifest);
  checkTexts({ context, manifest, definition: 'BlockSpec', names: () => names });
  if (manifest.faults.length > 0) return;
  const { spec } = manifest.value;
  checkDeclarations(spec.parameters ?? {}, report, ['spec', 'parameters']);
  checkOneForm(report, ['spec'], spec, ['load', 'transform', 'export', 'container']);
  checkBody({ context, manifest, body: spec, path: ['spec'] });
  reportExcess(context, report, { container: spec.container }, (path) => ['spec', ...path]);
}

/** Checks a block of a pipeline by itself; `checkGraph` sees to what is between blocks. */
export function checkBlock(context: Context, manifest: PipelineManifest, block: PipelineBlock, index: number): void {
  const report = createReport(context, manifest);
  const path = ['spec', 'blocks', index];
  const { schedule } = manifest.value.spec;
  checkOneForm(report, path, block, ['load', 'transform', 'export', 'container', 'wait', 'use']);
  checkBesideWait(block, report, path);
  checkBody({ context, manifest, body: block, path });
  checkPod(block, report, path);
  if (!schedule && block.export?.postgres.write.mode === 'replaceWindow') {
    const message =
      'is replaceWindow, and there is no window without a schedule; add `schedule` to the pipeline or choose another mode';
    report([...path, 'export', 'postgres', 'write', 'mode'], 'window-needed', message);
  }
  if (block.use !== undefined) checkUse(context, manifest, block, block.use, index);
  else if (block.with)
    report([...path, 'with'], 'bad-parameter', 'is only for `use`; add `use: NAME` or remove it', { on: 'key' });
  checkInputs(context, block, report, path);
  if (block.pod?.image !== undefined && bodyOf(context, block)?.container) {
    const message =
      'is for blocks that the runner executes, and this one is a container; write `container.image` alone';
    report([...path, 'pod', 'image'], 'one-form', message, { on: 'key' });
  }
}

function checkUse(
  context: Context,
  manifest: PipelineManifest,
  block: PipelineBlock,
  use: string,
  index: number,
): void {
  const report = createReport(context, manifest);
  const path = ['spec', 'blocks', index];
  const used = context.find('Block', use);
  if (used === 'broken') return;
  if (!used) {
    report(
      [...path, 'use'],
      'unknown-block',
      `names "${use}", and there is no such Block${context.hint('Block', use)}`,
    );
    return;
  }
  checkWith({ values: block.with ?? {}, declared: used.value.spec.parameters ?? {}, use, report, path });
  if (manifest.value.spec.schedule || !needsWindow(context, used)) return;
  report(
    [...path, 'use'],
    'window-needed',
    `names "${use}", which needs a window, and there is none without a schedule; add \`schedule\` to the pipeline`,
  );
}

function checkInputs(context: Context, block: PipelineBlock, report: Report, path: Path): void {
  const body = bodyOf(context, block);
  const count = block.from?.length ?? 0;
  if (body?.load && count > 0) {
    report(
      [...path, 'from'],
      'missing-input',
      'cannot stand here, since a load reads no other block; use `needs` to only wait for one',
      { on: 'key' },
    );
  }
  if (body?.transform && count === 0) {
    report(
      path,
      'missing-input',
      'transforms and has no input; add `from: [BLOCK]` with the blocks that its SQL reads',
      { on: 'key' },
    );
  }
  if (body?.export && count !== 1) {
    const found = count === 0 ? 'no input' : `${count} inputs`;
    report(
      path,
      'missing-input',
      `exports and has ${found}; add \`from: [BLOCK]\` with the one block whose rows it takes`,
      { on: 'key' },
    );
  }
}

/** What a block does, also when a Block does it; undefined when that is not known. */
export function bodyOf(context: Context, block: PipelineBlock): Body | undefined {
  if (block.use === undefined) return block;
  const used = context.find('Block', block.use);
  return used && used !== 'broken' ? used.value.spec : undefined;
}

/** Whether a block uses a Block or a Connection that has problems. */
export function usesBroken(context: Context, block: PipelineBlock): boolean {
  if (block.use !== undefined && context.find('Block', block.use) === 'broken') return true;
  const body = bodyOf(context, block);
  const names = [body?.load?.http?.connection, body?.load?.postgres?.connection, body?.export?.postgres.connection];
  return names.some((name) => name !== undefined && context.find('Connection', name) === 'broken');
}
