import type { Problem } from '../../schemas/generated/types.ts';
import type { ProblemCode } from '../../schemas/problem-codes.ts';
import type { FileTexts } from './files.ts';
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

/** A problem, and the manifest that it breaks. */
export type Found = { readonly problem: Problem; readonly place: Place | undefined };

export type Diagnostics = {
  /** A problem at a place of a manifest, which is broken by it. */
  at(place: Place, target: Target, code: ProblemCode, message: string): void;
  /** A problem at a stretch of a file. `place`: the manifest that it breaks. */
  inFile(file: string, range: Range, code: ProblemCode, message: string, place?: Place): void;
  /** Whether a manifest has a problem. */
  isBroken(place: Place & { readonly overlay?: Place }): boolean;
  /** What was found so far, in the order in which it was; `add` takes what was found elsewhere. */
  readonly found: readonly Found[];
  add(found: readonly Found[]): void;
  /** All problems, by file and position. */
  problems(): Problem[];
};

type Read = { readonly file: string; readonly lines: Lines; documents?: YamlDocument[] };

/**
 * Collects problems. Syntax trees are large, so none is kept: the file of a problem is parsed again to find the position, which
 * costs little, since most files have no problem.
 */
export function createDiagnostics({ files }: { files: FileTexts }): Diagnostics {
  const all: Found[] = [];
  const broken = new Set<string>();
  const keyOf = (place: Place) => `${place.document} ${place.file}`;
  let last: Read | undefined;

  function read(file: string): Read {
    if (last?.file !== file) last = { file, lines: linesOf(files.get(file) ?? '') };
    return last;
  }

  function add(found: readonly Found[]): void {
    for (const each of found) {
      all.push(each);
      if (each.place) broken.add(keyOf(each.place));
    }
  }

  function inFile(file: string, range: Range, code: ProblemCode, message: string, place?: Place): void {
    const { lines } = read(file);
    const position = positionAt(lines, range.offset);
    const problem: Problem = { file, ...position, code, message: printable(message), frame: frame(lines, range) };
    if (place?.kind === 'Pipeline' && place.name !== '') problem.pipeline = place.name;
    add([{ problem, place }]);
  }

  function rangeOf(place: Place, { path, on = 'value', within }: Target): Range {
    const source = read(place.file);
    source.documents ??= parseYaml(source.lines.text);
    const document = source.documents[place.document];
    if (!document) return { offset: 0, end: 1 };
    const { node, ...range } = locate(document, path, on);
    if (!within || !node) return range;
    const offset = locateInScalar(source.lines.text, node, range, within.offset);
    return { offset, end: offset + within.length };
  }

  return {
    inFile,
    at: (place, target, code, message) => inFile(place.file, rangeOf(place, target), code, message, place),
    isBroken: (place) => broken.has(keyOf(place)) || (place.overlay !== undefined && broken.has(keyOf(place.overlay))),
    found: all,
    add,
    problems: () => all.map(({ problem }) => problem).sort(compareProblems),
  };
}

function compareProblems(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
