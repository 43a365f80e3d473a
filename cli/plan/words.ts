import type {
  BackfillChange,
  FieldChange,
  PipelineChange,
  Plan,
  PlannedWindow,
  PoolChange,
  ScheduleChange,
  Value,
} from '../../controller/plan/plan.ts';
import { counted } from '../format/amounts.ts';
import { duration, localTime } from '../format/times.ts';

/** What happens, in a line. */
export function headline({ pipelines, pools, backfills, unchanged, problems }: Plan): string {
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
  const words = (value: Value) => (isTime && typeof value === 'number' ? duration(value) : valueText(value));
  return {
    path: path
      .replace(/Ms$/, '')

      .replace(/^tasks\./, 'blocks.'),
    before: words(before),
    after: words(after),
  };
}

/** Of a pipeline whose code, targets or inputs change. */
export const staleText = 'windows that have succeeded turn stale; `pipewright backfill --rerun stale` runs them again';

const absent = '(none)';

function valueText(value: Value): string {
  if (value === undefined || value === null) return absent;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function windowText({ start, end, label, dueAt }: PlannedWindow, timeZone: string): string {
  const at = (time: Date) => localTime(time.toISOString(), timeZone);
  return `${label}: ${at(start)} to ${at(end)}, due ${at(dueAt)}`;
}

export function rateText({ runsPerDay: { before, after }, dueAtOnce }: ScheduleChange): string {
  const rounded = (rate: number) => String(Math.round(rate * 100) / 100);
  const first = dueAtOnce === 0 ? '' : `, and ${counted(dueAtOnce, 'run')} at once for windows that have closed`;
  return `${rounded(before)} → ${rounded(after)} runs a day${first}`;
}

/** At most so many names, and how many more there are. */
export function someNames(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ');
}

/** A pool in a line; more askers than slots wait for each other. */
export function poolText({ slots, users, asked }: PoolChange): string {
  const words = (count: number | null) => (count === null ? absent : counted(count, 'slot'));
  const change = slots.before === slots.after ? words(slots.after) : `${words(slots.before)} → ${words(slots.after)}`;
  if (users.length === 0) return `${change}; nobody uses it`;
  const wait = slots.after !== null && asked > slots.after ? '; who comes later waits' : '';
  return `${change} for up to ${asked} at once, of ${someNames(users, 10)}${wait}`;
}

export function backfillText(change: BackfillChange): string {
  const { pipeline, windows, first, last, rerun, order, maxActiveRuns } = change;
  const range = first === null ? '' : first === last ? `: ${first}` : `: ${first} to ${last}`;
  return `${counted(windows, 'window')} of ${pipeline}${range} (${rerun}, ${order} first), ${counted(maxActiveRuns, 'run')} at once`;
}
