import { type ExitCode, exitCodes } from '../exit.ts';
import { counted } from '../format/amounts.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

type Options = AskOptions & { as: 'succeeded' | 'skipped'; note: string; from?: string; to?: string };

const phases = { succeeded: 'Succeeded', skipped: 'Skipped' } as const;

/** Marks a window, or all of a range, by hand. */
export async function mark(
  pipeline: string,
  window: string | undefined,
  options: Options,
  terminal: Terminal,
): Promise<ExitCode> {
  const { from, to, note } = options;
  const named = window !== undefined;
  const ranged = from !== undefined && to !== undefined;
  if (named === ranged || (named && (from !== undefined || to !== undefined))) {
    terminal.error('which windows are to be marked? name one, as in 2019-01, or a range with --from and --to');
    return exitCodes.unable;
  }
  const which = named ? { window } : { from: from ?? '', to: to ?? '' };
  const answer = await (await connect(options)).mark(pipeline, { ...which, as: phases[options.as], note });
  if (options.output === 'json') terminal.json(answer);
  else terminal.out(`${counted(answer.marked, 'window')} of ${answer.pipeline} marked as ${options.as}`);
  return exitCodes.ok;
}
