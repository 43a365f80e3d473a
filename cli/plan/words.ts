import { someNames } from '../../controller/plan/names.ts';
import type {
  BackfillChange,
  FieldChange,
  PipelineChange,
  Plan,
  PoolChange,
  ScheduleChange,
  SharedChange,
  Value,
  Warning,
} from '../../controller/plan/plan.ts';
import { count, counted } from '../format/amounts.ts';
import { duration, localTime } from '../format/times.ts';

/** How a name from the repository is written: as it is for a terminal, as code in Markdown. */
export type Quote = (text: string) => string;

/** What happens, in a line. */
export function headline({
  pipelines,
  pools,
  backfills,
  endedBackfills,
  environments,
  unchanged,
  problems,
}: Plan): string {
  const kinds: [PipelineChange['kind'], string, string][] = [
    ['added', 'is new', 'are new'],
    ['changed', 'changes', 'change'],
    ['retired', 'retires', 'retire'],
    ['broken', 'is broken and keeps its last good version', 'are broken and keep their last good versions'],
  ];
  const parts = kinds.flatMap(([kind, one, many]) => {
    const count = pipelines.filter((each) => each.kind === kind).length;
    return count === 0 ? [] : [`${counted(count, 'pipeline')} ${count === 1 ? one : many}`];
  });
  const more = [
    ...(pools.length > 0 ? [`${counted(pools.length, 'pool')} ${pools.length === 1 ? 'changes' : 'change'}`] : []),
    ...(backfills.length > 0 ? [`${counted(backfills.length, 'backfill')} would begin`] : []),
    ...(endedBackfills.length > 0 ? [`${counted(endedBackfills.length, 'backfill')} would end`] : []),
    ...environments.map((name) => `environment ${name} changes, which plan --env ${name} shows`),
  ];
  parts.push(...more);
  const stay =
    unchanged === 0
      ? []
      : [
          `${counted(unchanged, 'pipeline')} ${unchanged === 1 ? 'stays' : 'stay'} as ${unchanged === 1 ? 'it is' : 'they are'}`,
        ];
  const wrong = problems.length === 0 ? [] : [counted(problems.length, 'problem')];
  return parts.length + wrong.length === 0
    ? ['nothing changes', ...stay].join('; ')
    : [...wrong, ...parts, ...stay].join('; ');
}

/** A field as manifests call it, with its values for reading: `schedule.delayMs` is `schedule.delay`, a length of time. */
export function fieldWords({ path, before, after }: FieldChange): { path: string; before: string; after: string } {
  const isTime = path.endsWith('Ms');
  const words = (value: Value) => (isTime && typeof value === 'number' ? timeText(value) : valueText(value));
  return {
    path: path.replace(/Ms$/, '').replace(/^tasks\./, 'blocks.'),
    before: words(before),
    after: words(after),
  };
}

/** What of all that to look at twice, in a line; undefined where there is nothing. */
export function alarm({ pipelines, shared }: Plan): string | undefined {
  const warnings = [...pipelines, ...shared].flatMap((change) => change.warnings);
  const of = (kind: Warning['kind'], one: string, many: string) => {
    const found = warnings.filter((warning) => warning.kind === kind).length;
    return found === 0 ? [] : [`${count(found)} ${found === 1 ? one : many}`];
  };
  const parts = [
    ...of('destructive', 'change that data may not survive', 'changes that data may not survive'),
    ...of('permission', 'new permission', 'new permissions'),
    ...of('backfill', 'running backfill to look at', 'running backfills to look at'),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

type Staleness = Pick<PipelineChange, 'turnsStale' | 'closedWindows' | 'maxActiveRuns' | 'facts'>;

/** Of a pipeline whose code, targets or inputs change. */
export function staleText({ turnsStale, closedWindows, maxActiveRuns, facts }: Staleness): string[] {
  if (!turnsStale) return [];
  if (!facts) return [`windows that have succeeded turn stale${atMost(closedWindows)}; ${again}`];
  if (facts.succeeded === 0) return ['no window has succeeded so far, so none turns stale'];
  const { succeeded, isMore, meanDurationMs } = facts;
  const time = meanDurationMs === null ? '' : `, in about ${duration((succeeded * meanDurationMs) / maxActiveRuns)}`;
  const how = meanDurationMs === null ? '' : ` (${duration(meanDurationMs)} each, ${maxActiveRuns} at once)`;
  return [`${windowsThatSucceeded(succeeded, isMore)} turn stale; ${again}${time}${how}`];
}

const again = '`pipewright backfill --rerun stale` runs them again';

function atMost(windows: number | null): string {
  return windows === null ? '' : ` (at most ${count(windows)}: so many have closed)`;
}

function windowsThatSucceeded(succeeded: number, isMore: boolean): string {
  return `${counted(succeeded, 'window')}${isMore ? ' of the newest 1,000' : ''} that ${succeeded === 1 ? 'has' : 'have'} succeeded`;
}

/** Of all pipelines that a shared change reaches, together. */
export function sharedStaleText(
  { turnsStale, pipelines: reached }: SharedChange,
  all: readonly PipelineChange[],
): string[] {
  if (!turnsStale) return [];
  const stale = all.filter(({ name, turnsStale: each }) => each && reached.includes(name));
  const known = stale.flatMap(({ facts }) => facts ?? []);
  if (known.length < stale.length) {
    const closed = stale.map(({ closedWindows }) => closedWindows);
    const sum = closed.every((each) => each !== null) ? closed.reduce((total, each) => total + each, 0) : null;
    return [`windows that have succeeded turn stale${atMost(sum)}; ${again}`];
  }
  const sum = (of: (facts: (typeof known)[number]) => number) => known.reduce((total, each) => total + of(each), 0);
  const succeeded = sum((facts) => facts.succeeded);
  if (succeeded === 0) return ['no window has succeeded so far, so none turns stale'];
  const work = sum((facts) => facts.succeeded * (facts.meanDurationMs ?? 0));
  const more = known.some(({ isMore }) => isMore) ? ', of the newest 1,000 of each pipeline' : '';
  return [`${windowsThatSucceeded(succeeded, false)} turn stale${more}; ${again}, ${duration(work)} of runs in all`];
}

/** What runs at this moment, and what becomes of it. */
export function runningText({ kind, facts }: PipelineChange): string[] {
  if (!facts || facts.activeRuns + facts.queuedRuns === 0) return [];
  const { activeRuns, queuedRuns } = facts;
  const [active, queued] =
    kind === 'retired'
      ? ['finish, or are cancelled where the source says so', 'are cancelled']
      : ['end on the version that they have', 'get the new version'];
  return [
    [
      ...(activeRuns > 0 ? [`active runs ${active} (${count(activeRuns)})`] : []),
      ...(queuedRuns > 0 ? [`queued runs ${queued} (${count(queuedRuns)})`] : []),
    ].join(', '),
  ];
}

/** Tables of a pipeline that is new or gone. */
export function tableText({ kind, tables }: PipelineChange, quote: Quote): string[] {
  return tables.map(({ table, connection, mode }) => {
    const what = `table ${quote(table)} (${quote(connection)})`;
    return kind === 'retired' ? `no longer writes ${what}` : `writes ${what} by ${mode}`;
  });
}

const absent = '(none)';

/** As manifests write nothing. */
function timeText(ms: number): string {
  return ms === 0 ? '0s' : duration(ms);
}

function valueText(value: Value): string {
  if (value === undefined || value === null) return absent;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function rateText({ runsPerDay: { before, after }, dueAtOnce }: ScheduleChange): string {
  const rounded = (rate: number) => Math.round(rate * 100) / 100;
  const [one, other] = [rounded(before), rounded(after)];
  const first = dueAtOnce === 0 ? '' : `, and ${counted(dueAtOnce, 'run')} at once for windows that have closed`;
  const runs = (rate: number) => `${rate} run${rate === 1 ? '' : 's'} a day`;
  return one === other ? `${runs(one)}, as before${first}` : `${one} → ${runs(other)}${first}`;
}

/** A pool in a line; more askers than slots wait for each other. */
export function poolText({ slots, users, asked }: PoolChange, quote: Quote): string {
  const words = (slotCount: number | null) => (slotCount === null ? absent : counted(slotCount, 'slot'));
  const change = slots.before === slots.after ? words(slots.after) : `${words(slots.before)} → ${words(slots.after)}`;
  if (users.length === 0) return `${change}; nobody uses it`;
  const wait = slots.after !== null && asked > slots.after ? '; who comes later waits' : '';
  return `${change} for up to ${asked} at once, of ${someNames(users.map(quote), 10)}${wait}`;
}

/** When its users meet, a line each. */
export function collisionText({ collisions }: PoolChange, quote: Quote): string[] {
  return collisions.map(
    ({ at, pipelines }) =>
      `${counted(pipelines.length, 'pipeline')} become due at ${localTime(at.toISOString(), 'UTC')} UTC: ${someNames(pipelines.map(quote), 10)}`,
  );
}

export function backfillText(change: BackfillChange, quote: Quote): string {
  const { pipeline, windows, first, last, rerun, order, maxActiveRuns, facts } = change;
  const range = first === null ? '' : first === last ? `: ${first}` : `: ${first} to ${last}`;
  const all = `${counted(windows, 'window')} of ${quote(pipeline)}${range} (${rerun}, ${order} first), ${counted(maxActiveRuns, 'run')} at once`;
  if (!facts) return all;
  const kept =
    facts.kept === 0
      ? ''
      : `; ${count(facts.kept)} stay as they are, so that ${counted(facts.windows, 'window')} would run`;
  const { meanDurationMs: mean } = facts;
  const time =
    mean === null ? '' : `; about ${duration((facts.windows * mean) / maxActiveRuns)} at ${duration(mean)} each`;
  return `${all}${kept}${time}`;
}
