import type { Problem } from '../../schemas/generated/types.ts';
import type { Terminal } from '../terminal.ts';

/** `file:line:column`, the sentence, and the lines around it. */
export function problemText(problem: Problem, colors: Terminal['colors']): string {
  const { file, line, column, message, code, frame } = problem;
  const place = colors.bold(`${file}:${line}:${column}`);
  const head = `${place} ${colors.red('error')} ${message} ${colors.dim(`[${code}]${originText(problem)}`)}`;
  return frame ? `${head}\n${frame.replace(/^/gm, '  ')}\n` : head;
}

/** The source, where it is not that of the flags, and the commit that brought it. */
function originText({ source, revision, author }: Problem): string {
  const of = source === undefined || source === 'local' ? '' : `, of ${source}`;
  const by = author === undefined ? '' : ` by ${author}`;
  return revision === undefined ? of : `${of}, since ${revision.slice(0, 12)}${by}`;
}

/** The fields that `--output json` promises. */
export function problemJson({ file, line, column, code, message }: Problem) {
  return { file, line, column, code, message };
}
