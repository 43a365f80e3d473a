import type { Backfill, Block, Connection, ManifestPart, Pipeline, Pool } from '../../schemas/generated/types.ts';
import {
  isBackfill,
  isBlock,
  isConnection,
  isPipeline,
  isPipelineOverlay,
  isPool,
  type Validate,
} from '../../schemas/generated/validators.js';
import { didYouMean } from '../expressions/suggest.ts';
import { createDiagnostics, type Diagnostics, type Found } from './diagnostics.ts';
import { environmentOf } from './environment-folder.ts';
import { type Lines, linesOf, positionAt } from './frame.ts';
import { locate, type Path } from './locate.ts';
import { at, fieldSubject, type Kind, kinds, type Manifest, type Place, type Position, subject } from './manifest.ts';
import { type SchemaFault, schemaFaults, show } from './schema-faults.ts';
import { isEmpty, parseYaml, structureFaults, syntaxFault, toValue, type YamlDocument } from './yaml.ts';

/** What a source holds. A manifest may have problems; `Diagnostics` knows which do. */
export type Reading = {
  readonly manifests: readonly Manifest[];
  /** Manifests that are not more than a place: their kind is known, and nothing else can be said of them. */
  readonly lost: readonly Place[];
  /** Files with a document of which not even kind and name are known: what is missing may be in them. */
  readonly unreadable: readonly string[];
};

const validators: Readonly<Record<Kind, Validate>> = {
  Pipeline: isPipeline,
  Block: isBlock,
  Connection: isConnection,
  Pool: isPool,
  Backfill: isBackfill,
};

/** What an environment may say. */
const overlayValidators: Readonly<Partial<Record<Kind, Validate>>> = {
  Pipeline: isPipelineOverlay,
  Connection: isConnection,
};

/** Longest text that is read as YAML, in UTF-16 units. */
const maxFileLength = 1024 * 1024;
/** Faults of one manifest that are shown. */
const maxFaults = 50;

type Mutable = { manifests: Manifest[]; lost: Place[]; unreadable: string[] };

/** What one file holds, and what is wrong with it by itself. */
export type FileReading = Reading & { readonly found: readonly Found[] };

/** Reads every manifest of a file and checks it against its schema. */
export function readFile(file: string, text: string): FileReading {
  const diagnostics = createDiagnostics({ files: new Map([[file, text]]) });
  const reading: Mutable = { manifests: [], lost: [], unreadable: [] };
  const documents = parse(file, text, diagnostics);
  if (!documents) reading.unreadable.push(file);
  const lines = linesOf(text);
  documents?.forEach((document, index) => {
    readDocument({ file, lines, document, index, diagnostics, reading });
  });
  return { ...reading, found: diagnostics.found };
}

function parse(file: string, text: string, diagnostics: Diagnostics): YamlDocument[] | undefined {
  if (text.length > maxFileLength) {
    const message = `"${file}" has ${text.length} characters and the limit is ${maxFileLength}; divide it into several files`;
    diagnostics.inFile(file, { offset: 0, end: 1 }, 'too-large', message);
    return undefined;
  }
  try {
    return parseYaml(text);
  } catch {
    const message = `"${file}" is nested too deeply to be read; write it flatter`;
    diagnostics.inFile(file, { offset: 0, end: 1 }, 'syntax', message);
    return undefined;
  }
}

type Source = {
  readonly file: string;
  readonly lines: Lines;
  readonly document: YamlDocument;
  readonly index: number;
  readonly diagnostics: Diagnostics;
  readonly reading: Mutable;
};

function readDocument(source: Source): void {
  const { file, lines, document, index, diagnostics, reading } = source;
  const syntax = syntaxFault(lines.text, document);
  if (isEmpty(document) && !syntax) return;
  const value = syntax ? valueDespite(document) : toValue(document);
  const place = 'value' in value ? placeOf(file, index, value.value) : undefined;
  const faults = syntax ? [syntax] : 'value' in value ? structureFaults(document) : [value];
  for (const { offset, end, code, message } of faults) diagnostics.inFile(file, { offset, end }, code, message, place);
  if (syntax) reading.unreadable.push(file);
  const fatal = faults.some(({ code }) => code === 'syntax' || code === 'unquoted-expression');
  if (fatal && place) reading.lost.push(place);
  else if (fatal) reading.unreadable.push(file);
  else if ('value' in value) validate(source, value.value, place);
}

/** What can still be read of a document that is not good YAML. */
function valueDespite(document: YamlDocument): { value: unknown } {
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) };
  } catch {
    return { value: undefined };
  }
}

function placeOf(file: string, document: number, value: unknown): Place | undefined {
  const kind = kinds.find((each) => each === at(value, ['kind']));
  const name = at(value, ['metadata', 'name']);
  return kind && { file, document, kind, name: typeof name === 'string' ? name : '' };
}

function validate(source: Source, value: unknown, place: Place | undefined): void {
  const { file, lines, document, index, diagnostics, reading } = source;
  if (!place) {
    // It may be a Pipeline whose kind is misspelt: its name must not count as removed.
    const name = at(value, ['metadata', 'name']);
    const stand: Place = { file, document: index, kind: 'Pipeline', name: typeof name === 'string' ? name : '' };
    reportKind(value, stand, diagnostics);
    reading.lost.push(stand);
    // In an environment it may be anything that replaces something.
    if (stand.name === '' || environmentOf(file) !== undefined) reading.unreadable.push(file);
    return;
  }
  const faults =
    environmentOf(file) === undefined ? faultsOf(validators[place.kind], value) : overlayFaults(place, value);
  reportFaults(faults, place, value, diagnostics);
  if (place.name === '') reading.unreadable.push(file);
  const spec = at(value, ['spec']);
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    reading.lost.push(place);
    return;
  }
  const position = (path: Path): Position => positionAt(lines, locate(document, path, 'key').offset);
  reading.manifests.push({
    ...place,
    value: (diagnostics.isBroken(place) ? value : compact(value)) as Pipeline & Block & Connection & Pool & Backfill,
    at: positionAt(lines, locate(document, ['metadata', 'name'], 'value').offset),
    bodies: bodyPaths(place, value).map(position),
    faults: faults.map((fault) => ({ path: fault.path, isType: fault.code === 'wrong-type' })),
    written: writtenOf(source, place),
  } as Manifest);
}

/**
 * Texts of the YAML library hold the whole of the file that it has read: thousands of manifests would take twice the memory. What is
 * not broken is JSON.
 */
function compact(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** From the `---` before it, or for the first one from the beginning of the file. */
function writtenOf({ file, lines, document, index }: Source, { kind, name }: Place): ManifestPart {
  const offset = index === 0 ? 0 : document.range[0];
  const environment = environmentOf(file);
  const of = environment === undefined ? '' : ` in ${environment}`;
  return {
    name: `${kind} ${name}${of}`,
    file,
    line: positionAt(lines, offset).line,
    text: lines.text.slice(offset, document.range[2]),
  };
}

function faultsOf(check: Validate, value: unknown): SchemaFault[] {
  return check(value) ? [] : schemaFaults(check.errors ?? []);
}

/** A field that manifests have elsewhere is not unknown, but not an environment’s to change. */
function overlayFaults({ file, kind }: Place, value: unknown): SchemaFault[] {
  const check = overlayValidators[kind];
  const scope = 'an environment replaces Connections, and defaults of variables of Pipelines';
  if (environmentOf(file) === '') {
    const message = `lies in no folder of an environment; move "${file}" into one, as in environments/production/`;
    return [{ code: 'outside-overlay', path: ['kind'], on: 'value', message }];
  }
  if (!check) {
    const message = `cannot be changed here: ${scope}; move it out of environments/`;
    return [{ code: 'outside-overlay', path: ['kind'], on: 'value', message }];
  }
  return faultsOf(check, value).map((fault) => {
    if (kind !== 'Pipeline' || fault.code !== 'unknown-field' || fault.path[0] !== 'spec') return fault;
    const message = `has "${fault.path.at(-1)}", which cannot be changed here: ${scope}; change it in the pipeline’s own manifest`;
    return { ...fault, code: 'outside-overlay', message };
  });
}

function reportKind(value: unknown, place: Place, diagnostics: Diagnostics): void {
  const kind = at(value, ['kind']);
  const known = `kinds are ${kinds.join(', ')}`;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = `this document is ${show(value)} and not a manifest; write apiVersion, kind, metadata and spec`;
    diagnostics.at(place, { path: [] }, 'wrong-type', message);
  } else if (kind === undefined) {
    const message = `this document is no manifest: it lacks "kind"; add it, or move the file out of the source; ${known}`;
    diagnostics.at(place, { path: [] }, 'missing-field', message);
  } else {
    const wayOut = didYouMean(String(kind), kinds) || `; ${known}`;
    diagnostics.at(place, { path: ['kind'] }, 'unknown-kind', `${show(kind)} is not a kind of manifest${wayOut}`);
  }
}

function reportFaults(faults: readonly SchemaFault[], place: Place, value: unknown, diagnostics: Diagnostics): void {
  for (const { path, on, code, message } of faults.slice(0, maxFaults)) {
    const field = code === 'unknown-field' || (code === 'outside-overlay' && on === 'key') ? path.slice(0, -1) : path;
    diagnostics.at(place, { path, on }, code, `${fieldSubject(place, value, field)} ${message}`);
  }
  if (faults.length <= maxFaults) return;
  const message = `${subject(place)} has ${faults.length - maxFaults} or more further problems; correct those that are shown first`;
  diagnostics.at(place, { path: [] }, 'more-problems', message);
}

const forms = ['load', 'transform', 'export', 'container', 'wait', 'use'];

/** Paths of the bodies, or of what stands for them where there is none. */
function bodyPaths({ kind }: Place, value: unknown): Path[] {
  const form = (block: unknown) => forms.filter((each) => at(block, [each]) !== undefined).slice(0, 1);
  if (kind === 'Block') return [['spec', ...form(at(value, ['spec']))]];
  const blocks = kind === 'Pipeline' ? at(value, ['spec', 'blocks']) : [];
  return Array.isArray(blocks) ? blocks.map((block, index) => ['spec', 'blocks', index, ...form(block)]) : [];
}
