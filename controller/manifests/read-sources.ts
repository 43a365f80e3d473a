import type { PipelineSource, Problem } from '../../schemas/generated/types.ts';
import { isPipelineSource } from '../../schemas/generated/validators.js';
import type { ProblemCode } from '../../schemas/problem-codes.ts';
import type { SourceDeclaration } from '../../schemas/source-declarations.ts';
import { frame, type Lines, linesOf, positionAt, printable } from './frame.ts';
import { locate, type Path, type Range } from './locate.ts';
import { at, fieldText } from './manifest.ts';
import { schemaFaults } from './schema-faults.ts';
import { intervalOf, sourceFaults } from './source-faults.ts';
import { isEmpty, parseYaml, structureFaults, syntaxFault, toValue, type YamlDocument } from './yaml.ts';

export type SourceReading = { readonly declarations: SourceDeclaration[]; readonly problems: Problem[] };

type Place = { readonly file: string; readonly lines: Lines };
type Found = { readonly declaration: SourceDeclaration; readonly place: Place; readonly range: Range };

/** Reads the files of `start --source`: path → text. Every document must declare a source, and no two the same one. */
export function readSources(files: ReadonlyMap<string, string>): SourceReading {
  const problems: Problem[] = [];
  const found = [...files].flatMap(([file, text]) => readFile({ file, lines: linesOf(text) }, problems));
  return { declarations: distinct(found, problems), problems };
}

function readFile(place: Place, problems: Problem[]): Found[] {
  const start = { offset: 0, end: 1 };
  let documents: YamlDocument[];
  try {
    documents = parseYaml(place.lines.text);
  } catch {
    tell(problems, place, start, 'syntax', `"${place.file}" is nested too deeply to be read; write it flatter`);
    return [];
  }
  const before = problems.length;
  const found = documents.flatMap((document) => readDocument(place, document, problems) ?? []);
  if (found.length === 0 && problems.length === before)
    tell(problems, place, start, 'missing-field', `"${place.file}" declares no source; write a PipelineSource into it`);
  return found;
}

function readDocument(place: Place, document: YamlDocument, problems: Problem[]): Found | undefined {
  const syntax = syntaxFault(place.lines.text, document);
  if (isEmpty(document) && !syntax) return undefined;
  const value = syntax ?? toValue(document);
  const faults = 'code' in value ? [value] : structureFaults(document);
  for (const { offset, end, code, message } of faults) tell(problems, place, { offset, end }, code, message);
  if (faults.length > 0 || 'code' in value) return undefined;
  return check(place, document, value.value, problems);
}

function check(place: Place, document: YamlDocument, value: unknown, problems: Problem[]): Found | undefined {
  const name = at(value, ['metadata', 'name']);
  const subject = typeof name === 'string' ? `source "${name}"` : 'a PipelineSource';
  const add = (code: ProblemCode, path: Path, on: 'key' | 'value', message: string) => {
    const known = code === 'unknown-field' ? path.slice(0, -1) : path;
    // As a manifest's fields are named: without `spec.`, which all of them have.
    const shown = known[0] === 'spec' ? known.slice(1) : known;
    const field = shown.length === 0 ? subject : `${subject}: ${fieldText(shown)}`;
    tell(problems, place, locate(document, path, on), code, `${field} ${message}`);
  };
  const kind = at(value, ['kind']);
  if (kind !== undefined && kind !== 'PipelineSource') {
    add(
      'unknown-kind',
      ['kind'],
      'value',
      `is ${JSON.stringify(kind)}, which declares no source; write PipelineSource`,
    );
    return undefined;
  }
  if (!isPipelineSource(value)) {
    for (const { code, path, on, message } of schemaFaults(isPipelineSource.errors ?? [])) add(code, path, on, message);
    return undefined;
  }
  const { metadata, spec } = value as PipelineSource;
  const faults = sourceFaults(spec);
  for (const { code, path, message } of faults) add(code, path, 'value', message);
  if (faults.length > 0) return undefined;
  const declaration = { name: metadata.name, spec, everyMs: intervalOf(spec.interval) as number };
  return { declaration, place, range: locate(document, ['metadata', 'name'], 'value') };
}

function distinct(found: readonly Found[], problems: Problem[]): SourceDeclaration[] {
  const first = new Map<string, Found>();
  for (const each of found) {
    const { name } = each.declaration;
    const other = first.get(name);
    if (!other) first.set(name, each);
    else {
      const where = other.place.file === each.place.file ? 'this file' : other.place.file;
      const message = `source "${name}" stands in ${where} already; rename one of them or remove it`;
      tell(problems, each.place, each.range, 'duplicate-name', message);
    }
  }
  return [...first.values()].map(({ declaration }) => declaration);
}

function tell(problems: Problem[], { file, lines }: Place, range: Range, code: ProblemCode, message: string): void {
  const position = positionAt(lines, range.offset);
  problems.push({ file, ...position, code, message: printable(message), frame: frame(lines, range) });
}
