import type { CompiledPipeline, CompiledPool, Problem } from '../../schemas/generated/types.ts';
import { didYouMean } from '../expressions/suggest.ts';
import { type CompiledBackfill, compileBackfills } from './check-backfill.ts';
import { checkBlockManifest } from './check-block.ts';
import { checkConnection } from './check-connection.ts';
import { checkPipeline } from './check-pipeline.ts';
import { checkWaits } from './check-waits.ts';
import { compilePipeline } from './compile-pipeline.ts';
import { type Context, createContext } from './context.ts';
import { createDiagnostics, type Diagnostics } from './diagnostics.ts';
import { environmentFolder, environmentOf, environmentsOf } from './environment-folder.ts';
import { checkOverlays, type Overlaid, overlay } from './environments.ts';
import type { Files } from './files.ts';
import { type Kind, type Manifest, type PipelineManifest, type Place, subject } from './manifest.ts';
import { createMemory, type Memory, type Slices } from './memory.ts';
import type { TaskPlace } from './place.ts';
import { compilePools } from './pools.ts';

/** What a source means. */
export type Compilation = {
  /** Pipelines without problems whose Blocks and Connections have none, by name. */
  readonly pipelines: CompiledPipeline[];
  /** Pools without problems, by name. */
  readonly pools: CompiledPool[];
  /** Names of pools that are there and have problems. */
  readonly brokenPools: string[];
  /** Backfills without problems whose pipelines have none, by name; and the names of the others. */
  readonly backfills: CompiledBackfill[];
  readonly brokenBackfills: string[];
  /** All problems of all files, by file and position. */
  readonly problems: Problem[];
  /** Names of pipelines that are there and are not in `pipelines`: they are not gone. */
  readonly broken: string[];
  /** Whether some document could not be read so far that its name is known: then a pipeline that is not there proves nothing. */
  readonly unreadable: boolean;
};

type Options = {
  /** Path relative to the source, with `/` → text. */
  readonly files: Files;
  /** Where tasks run; without it, what a place may refuse is no problem. */
  readonly place?: TaskPlace | undefined;
  /** The environment whose overlay applies; the others are only checked. */
  readonly environment?: string | undefined;
};

export type Compiler = {
  compile(options: Options): Compilation;
  /** The same, for whoever has other things to do meanwhile. */
  compileInSlices(options: Options): Slices<Compilation>;
};

/**
 * Compiles a source again and again: only what a change can reach is read and checked anew, and the outcome is what `compile` gives.
 * What it returns is kept, so nobody may change it.
 */
export function createCompiler(): Compiler {
  const memory = createMemory();
  return {
    compile: (options) => runToEnd(compiling(memory, options)),
    compileInSlices: (options) => compiling(memory, options),
  };
}

/** Compiles every manifest among `files`. Depends on nothing else. */
export function compile(options: Options): Compilation {
  return createCompiler().compile(options);
}

function runToEnd<Result>(work: Slices<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

function* compiling(memory: Memory, { files, place, environment }: Options): Slices<Compilation> {
  const diagnostics = createDiagnostics({ files });
  const readings = yield* memory.read(files);
  for (const { found } of readings) diagnostics.add(found);
  const written = {
    manifests: readings.flatMap(({ manifests }) => manifests),
    lost: readings.flatMap(({ lost }) => lost),
    unreadable: readings.flatMap(({ unreadable }) => unreadable),
  };
  reportDuplicates([...written.lost, ...written.manifests], diagnostics);
  const reading = overlay(written, environment, memory.join);
  const all = [...reading.lost, ...reading.manifests];
  const context = createContext({ files, diagnostics, reading, place });
  const { manifests } = reading;
  checkOverlays(context, reading);
  for (const manifest of written.manifests)
    if (manifest.kind === 'Connection') memory.recall(context, manifest, checkConnection);
  for (const manifest of manifests) if (manifest.kind === 'Block') memory.recall(context, manifest, checkBlockManifest);
  checkWaits(context, manifests);
  const pipelines: CompiledPipeline[] = [];
  for (const manifest of manifests) {
    if (manifest.kind !== 'Pipeline') continue;
    pipelines.push(...memory.recall(context, manifest, checkAndCompile));
    yield;
  }
  if (isUncertain(reading, environment, files, diagnostics)) return nothingOf(all, diagnostics);
  const pools = compilePools(context, all);
  const backfills = compileBackfills(context, all, pipelines);
  const good = new Set(pipelines.map(({ name }) => name));
  const names = all
    .filter(({ kind, name }) => kind === 'Pipeline' && name !== '' && !good.has(name))
    .map(({ name }) => name);
  return {
    ...pools,
    ...backfills,
    pipelines: pipelines.sort((a, b) => (a.name < b.name ? -1 : 1)),
    problems: diagnostics.problems(),
    broken: [...new Set(names)].sort(),
    unreadable: reading.unreadable.length > 0,
  };
}

/** Without knowing all that its environment says, a pipeline of production might run against a system of tests. */
function isUncertain(
  { isHidden }: Overlaid,
  environment: string | undefined,
  files: Files,
  diagnostics: Diagnostics,
): boolean {
  if (environment === undefined) return false;
  const known = environmentsOf(files.keys());
  if (known.includes(environment)) return isHidden;
  const others = didYouMean(environment, known) || `; there are ${known.join(', ') || 'none'}`;
  const message = `there is no environment "${environment}", since nothing lies below ${environmentFolder}${environment}/${others}`;
  diagnostics.inFile(environmentFolder, { offset: 0, end: 1 }, 'unknown-environment', message);
  return true;
}

/** All that is there counts as broken, so that whatever runs goes on as it was. */
function nothingOf(all: readonly Place[], diagnostics: Diagnostics): Compilation {
  const names = (kind: Kind) => [...new Set(all.filter((each) => each.kind === kind).map(({ name }) => name))].sort();
  return {
    pipelines: [],
    pools: [],
    brokenPools: names('Pool'),
    backfills: [],
    brokenBackfills: names('Backfill'),
    problems: diagnostics.problems(),
    broken: names('Pipeline').filter((name) => name !== ''),
    unreadable: true,
  };
}

function checkAndCompile(context: Context, manifest: PipelineManifest): CompiledPipeline[] {
  const checked = checkPipeline(context, manifest);
  return checked ? [compilePipeline({ context, manifest, ...checked })] : [];
}

/** A name that two manifests of one kind have breaks both: either could be the one that is meant. */
function reportDuplicates(all: readonly (Manifest | Place)[], diagnostics: Diagnostics): void {
  const byName = Map.groupBy(
    all.filter(({ name }) => name !== ''),
    ({ kind, name, file }) => `${kind} ${name} ${String(environmentOf(file))}`,
  );
  for (const same of byName.values()) {
    if (same.length < 2) continue;
    for (const place of same) {
      const other = same[0] === place ? same[1] : same[0];
      const where = other?.file === place.file ? 'this file' : other?.file;
      const message = `${subject(place)} stands a second time in ${where}; rename one of them or remove it`;
      diagnostics.at(place, { path: ['metadata', 'name'] }, 'duplicate-name', message);
    }
  }
}
