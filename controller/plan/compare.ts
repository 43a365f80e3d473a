import type { CompiledPipeline, Problem } from '../../schemas/generated/types.ts';
import { everyText } from '../../schemas/schedule-text.ts';
import type { Compilation } from '../manifests/compile.ts';
import { backfillChanges, endedBackfills } from './backfills.ts';
import { differenceOf } from './difference.ts';
import { changedOverlays } from './overlays.ts';
import type {
  CodeChange,
  Difference,
  FieldChange,
  PipelineChange,
  Plan,
  SharedChange,
  Value,
  Warning,
} from './plan.ts';
import { poolChanges } from './pools.ts';
import { closedWindows, scheduleChange } from './schedule.ts';
import { type Tables, tablesOf, writesOf } from './tables.ts';
import { warningsOf } from './warnings.ts';

/** One side of a comparison: what a commit or a folder compiles to. */
export type Side = Omit<Compilation, 'brokenPools' | 'unreadable'> & {
  /** What it was compiled from: path in the source to text. */
  readonly files: ReadonlyMap<string, string>;
};

type Comparison = {
  readonly base: Side;
  readonly head: Side;
  readonly now: Date;
  /** The one that both were compiled for. */
  readonly environment?: string | undefined;
};

/** What merging `head` would change. Pure: `now` is what the next windows are counted from. */
export function comparePlans({ base, head, now, environment }: Comparison): Plan {
  const [before, after] = [byName(base), byName(head)];
  const broken = new Set(head.broken);
  const tables = tablesOf(head.pipelines);
  const shared = new Map<string, { difference: Difference; pipelines: string[] }>();
  const names = new Set([...before.keys(), ...after.keys(), ...broken]);
  const changed = [...names]
    .sort()
    .filter((name) => before.get(name)?.digest !== after.get(name)?.digest || broken.has(name));
  const pipelines = changed.map((name): PipelineChange => {
    if (broken.has(name)) return brokenPipeline(name, head.problems);
    const parts = divide(before.get(name), after.get(name));
    for (const [reason, difference] of parts.shared) {
      const known = shared.get(reason) ?? { difference, pipelines: [] };
      known.pipelines.push(name);
      shared.set(reason, known);
    }
    return {
      ...describe(before.get(name), after.get(name), { tables, now }),
      ...parts.own,
      through: [...parts.shared.keys()],
    };
  });
  const told = new Map([...shared].map(([name, { pipelines: reached }]) => [name, commonWarnings(pipelines, reached)]));
  return {
    pipelines: pipelines.map((change) => withoutTold(change, told)),
    shared: [...shared].map(
      ([name, { difference, pipelines: reached }]): SharedChange => ({
        name,
        ...difference,
        pipelines: reached,
        turnsStale: pipelines.some(({ name: each, turnsStale }) => turnsStale && reached.includes(each)),
        warnings: told.get(name) ?? [],
      }),
    ),
    pools: poolChanges(base, head, new Set(changed), now),
    backfills: backfillChanges(base, head, now),
    endedBackfills: endedBackfills(base, head).filter(({ name }) => !head.brokenBackfills.includes(name)),
    environments: changedOverlays(base.files, head.files).filter((name) => name !== environment),
    unchanged: names.size - changed.length,
    problems: head.problems,
  };
}

/** What is said of each of several pipelines that a shared change reaches is said once, beside that change. */
function commonWarnings(changes: readonly PipelineChange[], reached: readonly string[]): readonly Warning[] {
  const [first, ...others] = changes.filter(({ name }) => reached.includes(name));
  if (!first || others.length === 0) return [];
  return first.warnings.filter(({ message }) =>
    others.every(({ warnings }) => warnings.some((each) => each.message === message)),
  );
}

function withoutTold(change: PipelineChange, told: ReadonlyMap<string, readonly Warning[]>): PipelineChange {
  const said = new Set(change.through.flatMap((name) => (told.get(name) ?? []).map(({ message }) => message)));
  return { ...change, warnings: change.warnings.filter(({ message }) => !said.has(message)) };
}

function byName({ pipelines }: Side): ReadonlyMap<string, CompiledPipeline> {
  return new Map(pipelines.map((pipeline) => [pipeline.name, pipeline]));
}

function describe(
  before: CompiledPipeline | undefined,
  after: CompiledPipeline | undefined,
  { tables, now }: { tables: Tables; now: Date },
): Omit<PipelineChange, keyof Difference | 'through'> {
  const { name, file } = (after ?? before) as CompiledPipeline;
  const turnsStale = before?.schedule != null && after !== undefined && before.dataDigest !== after.dataDigest;
  return {
    name,
    kind: before && after ? 'changed' : before ? 'retired' : 'added',
    file,
    schedule: scheduleChange(before, after, now),
    turnsStale,
    closedWindows: turnsStale ? closedWindows(before, now) : null,
    maxActiveRuns: (after ?? before)?.maxActiveRuns ?? 1,
    tables: before && after ? [] : writesOf((after ?? before) as CompiledPipeline),
    warnings: warningsOf(before, after, tables),
  };
}

function brokenPipeline(name: string, problems: readonly Problem[]): PipelineChange {
  const file = problems.find(({ pipeline }) => pipeline === name)?.file ?? '';
  return {
    name,
    kind: 'broken',
    file,
    fields: [],
    code: [],
    schedule: null,
    turnsStale: false,
    closedWindows: null,
    maxActiveRuns: 1,
    tables: [],
    warnings: [],
    through: [],
  };
}

type Parts = { own: Difference; shared: Map<string, Difference> };

/** Changes that come from a Block or a Connection are told once, whichever pipelines they reach. */
function divide(before: CompiledPipeline | undefined, after: CompiledPipeline | undefined): Parts {
  const nothing: Difference = { fields: [], code: [] };
  if (!before || !after) return { own: nothing, shared: new Map() };
  const difference = differenceOf(readable(before), readable(after));
  const used = new Map(after.bundle.blocks.flatMap(({ name, use }) => (use === undefined ? [] : [[name, use]])));
  const own: { fields: FieldChange[]; code: CodeChange[] } = { fields: [], code: [] };
  const shared = new Map<string, { fields: FieldChange[]; code: CodeChange[] }>();
  const put = <T extends { path: string }>(change: T, of: (parts: typeof own) => T[]) => {
    const source = sourceOf(change.path, used);
    if (!source) return of(own).push(change);
    const parts = shared.get(source.name) ?? { fields: [], code: [] };
    shared.set(source.name, parts);
    return of(parts).push({ ...change, path: source.path });
  };
  for (const change of difference.fields) put(change, ({ fields }) => fields);
  for (const change of difference.code) put(change, ({ code }) => code);
  return { own, shared };
}

/** Of a block with `use` these are the pipeline’s own; all else is the Block’s. */
const ownOfBlock = new Set(['from', 'needs', 'when', 'use', 'parameters']);

function sourceOf(path: string, used: ReadonlyMap<string, string>): { name: string; path: string } | null {
  const [part, name = '', ...rest] = path.split('.');
  if (part === 'files') return { name: `file ${path.slice('files.'.length)}`, path: '' };
  if (part === 'connections') return { name: `Connection ${name}`, path: rest.join('.') };
  const use = part === 'blocks' ? used.get(name) : undefined;
  if (use === undefined || ownOfBlock.has(rest[0] ?? '')) return null;
  return { name: `Block ${use}`, path: rest.join('.') };
}

/** The version as people wrote it: the bundle’s parts beside the rest, the tasks’ settings without what follows from the graph. */
function readable({ bundle, manifest: _manifest, ...rest }: CompiledPipeline): Value {
  const { blocks, tasks, connections, variables, files } = bundle;
  const settings = tasks.map(
    ({ blocks: _blocks, needs: _needs, inputs: _inputs, outputs: _outputs, when: _when, ...task }) => task,
  );
  return {
    ...rest,
    schedule: readableSchedule(rest.schedule),
    variables,
    blocks,
    tasks: settings,
    connections,
    files,
  } as unknown as Value;
}

function readableSchedule(schedule: CompiledPipeline['schedule']) {
  if (!schedule) return undefined;
  const { calendar, ...more } = schedule;
  // The anchor follows from `every` and `startAt`.
  const { every, cron, anchor: _anchor, ...others } = calendar;
  return { ...(every && { every: everyText(every) }), ...(cron && { cron: cron.join(', ') }), ...others, ...more };
}
