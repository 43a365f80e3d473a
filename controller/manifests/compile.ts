import type { CompiledPipeline, CompiledPool, Problem } from '../../schemas/generated/types.ts';
import { type CompiledBackfill, compileBackfills } from './check-backfill.ts';
import { checkBlockManifest } from './check-block.ts';
import { checkConnection } from './check-connection.ts';
import { checkPipeline } from './check-pipeline.ts';
import { checkWaits } from './check-waits.ts';
import { compilePipeline } from './compile-pipeline.ts';
import { createContext } from './context.ts';
import { createDiagnostics, type Diagnostics } from './diagnostics.ts';
import type { Files } from './files.ts';
import { type Manifest, type Place, subject } from './manifest.ts';
import type { TaskPlace } from './place.ts';
import { compilePools } from './pools.ts';
import { readManifests } from './read.ts';

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
};

/** Compiles every manifest among `files`. Depends on nothing else. */
export function compile({ files, place }: Options): Compilation {
  const diagnostics = createDiagnostics({ files });
  const reading = readManifests({ files, diagnostics });
  const all = [...reading.lost, ...reading.manifests];
  reportDuplicates(all, diagnostics);
  const context = createContext({ files, diagnostics, reading, place });
  const { manifests } = reading;
  for (const manifest of manifests) if (manifest.kind === 'Connection') checkConnection(context, manifest);
  for (const manifest of manifests) if (manifest.kind === 'Block') checkBlockManifest(context, manifest);
  checkWaits(context, manifests);
  const pipelines = manifests.flatMap((manifest) => {
    const checked = manifest.kind === 'Pipeline' ? checkPipeline(context, manifest) : undefined;
    return checked && manifest.kind === 'Pipeline' ? [compilePipeline({ context, manifest, ...checked })] : [];
  });
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

/** A name that two manifests of one kind have breaks both: either could be the one that is meant. */
function reportDuplicates(all: readonly (Manifest | Place)[], diagnostics: Diagnostics): void {
  const byName = Map.groupBy(
    all.filter(({ name }) => name !== ''),
    ({ kind, name }) => `${kind} ${name}`,
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
