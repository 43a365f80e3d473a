import type { BackfillSpec, CompiledPipeline, CompiledSchedule } from '../../schemas/generated/types.ts';
import { parseBounds, windowsOfSpan } from '../windows/span.ts';
import { type Context, createReport, type Report } from './context.ts';
import { digestOf, sortKeys } from './digest.ts';
import type { BackfillManifest, Manifest, Place } from './manifest.ts';
import { convertVariables } from './variables.ts';

export type CompiledBackfill = {
  readonly name: string;
  readonly file: string;
  /** Of what decides which windows run and how their data is made: the same digest is the same backfill. */
  readonly digest: string;
  readonly spec: BackfillSpec;
};

/** The backfills of a source: those without problems, and the names of the others, which are not gone. */
export function compileBackfills(
  context: Context,
  all: readonly (Manifest | Place)[],
  compiled: readonly CompiledPipeline[],
): { backfills: CompiledBackfill[]; brokenBackfills: string[] } {
  const pipelines = new Map(compiled.map((pipeline) => [pipeline.name, pipeline]));
  const found = all.flatMap((one) =>
    one.kind === 'Backfill'
      ? [{ ...one, good: 'value' in one ? checkBackfill(context, one, pipelines) : undefined }]
      : [],
  );
  return {
    backfills: found.flatMap(({ good }) => good ?? []).sort((a, b) => (a.name < b.name ? -1 : 1)),
    brokenBackfills: found.flatMap(({ good, name }) => (good || name === '' ? [] : [name])).sort(),
  };
}

/**
 * Checks a backfill against its pipeline. Undefined when it has problems, or its pipeline has. What only the ledger knows (whether
 * windows have run) is no problem.
 */
function checkBackfill(
  context: Context,
  manifest: BackfillManifest,
  pipelines: ReadonlyMap<string, CompiledPipeline>,
): CompiledBackfill | undefined {
  if (context.diagnostics.isBroken(manifest)) return undefined;
  const report = createReport(context, manifest);
  const { spec } = manifest.value;
  const pipeline = pipelines.get(spec.pipeline);
  if (!pipeline) {
    if (context.find('Pipeline', spec.pipeline) === undefined) {
      const hint = context.hint('Pipeline', spec.pipeline);
      report(
        ['spec', 'pipeline'],
        'unknown-pipeline',
        `names "${spec.pipeline}", and there is no such Pipeline in this source${hint}`,
      );
    }
    return undefined;
  }
  checkRange(spec, pipeline, report);
  checkVariables(spec, pipeline, report);
  if (context.diagnostics.isBroken(manifest)) return undefined;
  const { maxActiveRuns: _cap, priority: _priority, suspend: _suspend, ...meaning } = spec;
  return { name: manifest.name, file: manifest.file, digest: digestOf(sortKeys(meaning)), spec };
}

function checkRange(spec: BackfillSpec, { name, schedule }: CompiledPipeline, report: Report): void {
  if (!schedule) {
    const message = `names "${name}", which has no schedule and so no windows to run; give it one, or name another Pipeline`;
    report(['spec', 'pipeline'], 'window-needed', message);
    return;
  }
  const { timeZone } = schedule.calendar;
  const bounds = { from: boundOf(spec, 'from', timeZone, report), to: boundOf(spec, 'to', timeZone, report) };
  if (!bounds.from || !bounds.to) return;
  const { from, to } = bounds;
  if (to <= from) {
    const message = `is ${spec.to}, not after from (${spec.from}), so there is no window; swap them`;
    report(['spec', 'to'], 'bad-time', message);
  } else if (!holdsWindow(schedule, from, to)) {
    const message = `is ${spec.to}, and no window of pipeline "${name}" begins at or after ${spec.from} and ends by then; widen the range`;
    report(['spec', 'to'], 'bad-time', message);
  }
}

function boundOf(spec: BackfillSpec, field: 'from' | 'to', timeZone: string, report: Report): Date | null {
  const text = spec[field];
  const bounds = parseBounds({ from: text, to: text }, timeZone);
  if (!('error' in bounds)) return bounds.from;
  const message = `is "${text}", which is no date or time; write 2019, 2019-01, 2019-01-31 or 2019-01-31T06:00Z`;
  report(['spec', field], 'bad-time', message);
  return null;
}

/** By today's calendar; windows of an earlier one are longer or shorter, so a range of several is needed only of this one. */
function holdsWindow(schedule: CompiledSchedule, from: Date, to: Date): boolean {
  const calendars = [{ id: 0, spec: schedule.calendar, beginsAt: null }];
  const [first] = windowsOfSpan({ calendars, schedule, from, to, limit: 1 });
  return first !== undefined && first.end <= to;
}

function checkVariables(spec: BackfillSpec, { name, bundle }: CompiledPipeline, report: Report): void {
  if (!spec.variables) return;
  const converted = convertVariables(bundle.variables, spec.variables);
  if ('error' in converted)
    report(['spec', 'variables'], 'bad-variable', `do not fit pipeline "${name}": ${converted.error}`);
}
