import type { Problem } from '../../schemas/generated/types.ts';
import type { Terminal } from '../terminal.ts';

/** `file:line:column`, the sentence, and the lines around it. */
export function problemText(problem: Problem, colors: Terminal['colors']): string {
  const { file, line, column, message, code, frame } = problem;
  const head = `${colors.bold(`${file}:${line}:${column}`)} ${colors.red('error')} ${message} ${colors.dim(`[${code}]`)}`;
  return frame ? `${head}\n${frame.replace(/^/gm, '  ')}\n` : head;
}

/** The fields that `--output json` promises. */
export function problemJson({ file, line, column, code, message }: Problem) {
  return { file, line, column, code, message };
}
