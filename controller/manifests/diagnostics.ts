import type { Problem } from '../../schemas/generated/types.ts';
import type { ProblemCode } from '../../schemas/problem-codes.ts';
import type { Files } from './files.ts';
import { frame, type Lines, linesOf, positionAt, printable } from './frame.ts';
import { locate, locateInScalar, type Path, type Range } from './locate.ts';
import type { Place } from './manifest.ts';
import { parseYaml, type YamlDocument } from './yaml.ts';

/** Where in a manifest a problem is. `within`: a stretch of the scalar’s text, for problems of expressions. */
export type Target = {
  readonly path: Path;
  readonly on?: 'key' | 'value';
  readonly within?: { readonly offset: number; readonly length: number };
};

export type Diagnostics = {
  /** A problem at a place of a manifest. */
  at(place: Place, target: Target, code: ProblemCode, message: string): void;
  /** A problem at a stretch of a file; `pipeline`: the one that it stops. */
  inFile(file: string, range: Range, code: ProblemCode, message: string, pipeline?: string): void;
  /** How many problems there are. */
  count(): number;
  /** All problems, by file and position. */
  problems(): Problem[];
};

type Read = { readonly file: string; readonly lines: Lines; documents?: YamlDocument[] };

/**
 * Collects problems. Syntax trees are large, so none is kept: the file of a problem is parsed again to find the position, which
 * costs little, since most files have no problem.
 */
export function createDiagnostics({ files }: { files: Files }): Diagnostics {
  const problems: Problem[] = [];
  let last: Read | undefined;

  function read(file: string): Read {
    if (last?.file !== file) last = { file, lines: linesOf(files.get(file) ?? '') };
    return last;
  }

  function inFile(file: string, range: Range, code: ProblemCode, message: string, pipeline?: string): void {
    const { lines } = read(file);
    const found: Problem = { file, ...positionAt(lines, range.offset), code, message: printable(message), frame: frame(lines, range) };
    if (pipeline) found.pipeline = pipeline;
    problems.push(found);
  }

  return {
    inFile,
    at(place, { path, on = 'value', within }, code, message) {
      const source = read(place.file);
      source.documents ??= parseYaml(source.lines.text);
      const document = source.documents[place.document];
      const pipeline = place.kind === 'Pipeline' ? place.name : undefined;
      const range = document ? locate(document, path, on) : { offset: 0, end: 1 };
      if (!within || !('node' in range) || !range.node) return inFile(place.file, range, code, message, pipeline);
      const offset = locateInScalar(source.lines.text, range.node, range, within.offset);
      inFile(place.file, { offset, end: offset + within.length }, code, message, pipeline);
    },
    count: () => problems.length,
    problems: () => problems.toSorted(compareProblems),
  };
}

function compareProblems(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
