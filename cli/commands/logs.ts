import { type ExitCode, exitCodes } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

export async function logs(
  run: string,
  options: AskOptions & { follow?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  for await (const line of (await connect(options)).logs(run, { follow: options.follow ?? false })) {
    terminal.out(options.output === 'json' ? JSON.stringify(lineJson(line)) : paint(line, terminal));
  }
  return exitCodes.ok;
}

const tagged = /^\[([a-z0-9_]+)#(\d+)\] ?(.*)$/;

function paint(line: string, { colors }: Terminal): string {
  const match = tagged.exec(line);
  return match ? `${colors.dim(`[${match[1]}#${match[2]}]`)} ${match[3]}` : line;
}

/** One JSON object a line, so that a log can be read while it grows. */
function lineJson(line: string): { task: string | null; attempt: number | null; text: string } {
  const match = tagged.exec(line);
  return match
    ? { task: match[1] ?? '', attempt: Number(match[2]), text: match[3] ?? '' }
    : { task: null, attempt: null, text: line };
}
