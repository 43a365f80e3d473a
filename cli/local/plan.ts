import { join } from 'node:path';
import { convertVariables } from '../../controller/manifests/variables.ts';
import { createCalendar } from '../../controller/windows/calendar.ts';
import { latestClosedWindow } from '../../controller/windows/due.ts';
import { parseWindowStart } from '../../controller/windows/select.ts';
import type { CompiledPipeline, CompiledSchedule, OrderWindow } from '../../schemas/generated/types.ts';
import { CommandError, exitCodes } from '../exit.ts';
import type { Folder } from '../folder.ts';

type Scalar = string | number | boolean | null;

/** A pipeline, and for what it is to be run. */
export type LocalPlan = {
  readonly pipeline: CompiledPipeline;
  readonly window: OrderWindow | null;
  readonly variables: Record<string, Scalar>;
};

/** What the controller does with a request for a run, without its ledger. Refusals are a `CommandError`. */
export function planLocal(
  pipeline: CompiledPipeline,
  given: { window?: string; var: Record<string, string> },
  now: Date,
): LocalPlan {
  const refuse = (code: string, fact: string) =>
    new CommandError(exitCodes.failed, code, `pipeline "${pipeline.name}": ${fact}`);
  const variables = convertVariables(pipeline.bundle.variables, given.var);
  if ('error' in variables) throw refuse('bad-variable', variables.error);
  if (!pipeline.schedule) {
    if (given.window !== undefined)
      throw refuse('no-schedule', 'it has no schedule, so it has no windows; leave out --window');
    return { pipeline, window: null, variables: variables.values };
  }
  const window = chooseWindow(pipeline.schedule, given.window, now);
  if ('error' in window) throw refuse('bad-window', window.error);
  return { pipeline, window, variables: variables.values };
}

function chooseWindow(
  schedule: CompiledSchedule,
  text: string | undefined,
  now: Date,
): OrderWindow | { error: string } {
  const choice = text === undefined ? { window: latestClosedWindow(schedule, now) } : parseWindowStart(text, schedule);
  if ('error' in choice) return choice;
  if (!choice.window) return { error: 'no window has closed yet; name one with --window' };
  const { start, end, label } = choice.window;
  const calendar = createCalendar(schedule.calendar);
  const previous = calendar.windowBefore(start);
  return {
    start: start.toISOString(),
    end: end.toISOString(),
    previousStart: previous.start.toISOString(),
    previousEnd: previous.end.toISOString(),
    nextEnd: calendar.next(end).toISOString(),
    label,
  };
}

/** The pipeline of that name, or why there is none. */
export function findPipeline(name: string, folder: Folder, dir: string): CompiledPipeline {
  const found = folder.pipelines.find((pipeline) => pipeline.name === name);
  if (found) return found;
  if (folder.broken.includes(name)) {
    throw new CommandError(exitCodes.failed, 'invalid', `pipeline "${name}" has problems; mend them first`);
  }
  const names = folder.pipelines.map((pipeline) => pipeline.name);
  const known = names.length === 0 ? 'none' : names.slice(0, 10).join(', ');
  throw new CommandError(
    exitCodes.failed,
    'unknown-pipeline',
    `there is no pipeline "${name}" in ${join(dir, '/')}; there is ${known}`,
  );
}
