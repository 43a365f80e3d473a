import { someNames } from '../../controller/plan/names.ts';
import type { Difference, PipelineChange, Plan, PlannedWindow, ScheduleChange } from '../../controller/plan/plan.ts';
import { counted } from '../format/amounts.ts';
import { problemText } from '../format/problems.ts';
import { localTime } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { cleaned } from './clean.ts';
import { besideEachOther, isAmong, isSame, windowText } from './windows.ts';
import {
  alarm,
  backfillText,
  collisionText,
  fieldWords,
  headline,
  poolText,
  rateText,
  runningText,
  sharedStaleText,
  staleText,
  tableText,
} from './words.ts';

type Colors = Terminal['colors'];

const signs = { added: '+', changed: '~', retired: '-', broken: '!' };

const asIs = (text: string) => text;
const indented = (text: string) => `  ${text}`;

/** For a terminal. */
export function planText(found: Plan, colors: Colors): string {
  const plan = cleaned(found);
  const attention = alarm(plan);
  return [
    ...plan.problems.map((problem) => problemText(problem, colors)),
    ...plan.shared.map((change) =>
      [
        `${colors.bold(change.name)} reaches ${counted(change.pipelines.length, 'pipeline')}: ${someNames(change.pipelines, 10)}`,
        ...warningLines(change, colors),
        ...sharedStaleText(change, plan.pipelines).map(indented),
        ...differenceLines(change, colors),
      ].join('\n'),
    ),
    ...plan.pipelines.filter(hasMore).map((change) => pipelineText(change, colors)),
    ...plan.pools.map((pool) =>
      [`${colors.bold(`Pool ${pool.name}`)} ${poolText(pool, asIs)}`, ...collisionText(pool, asIs).map(indented)].join(
        '\n',
      ),
    ),
    ...plan.backfills.map((backfill) => `${colors.bold(`Backfill ${backfill.name}`)} ${backfillText(backfill, asIs)}`),
    ...plan.endedBackfills.map(
      ({ name, pipeline }) =>
        `${colors.bold(`Backfill ${name}`)} ends: what it has not begun of ${pipeline} is cancelled`,
    ),
    [...(attention === undefined ? [] : [`${colors.yellow('!')} ${attention}`]), colors.bold(headline(plan))].join(
      '\n',
    ),
  ].join('\n\n');
}

/** A pipeline that only a shared change reaches is named there. */
export function hasMore({ kind, fields, code, schedule, warnings }: PipelineChange): boolean {
  return kind !== 'changed' || fields.length + code.length + warnings.length > 0 || schedule !== null;
}

function pipelineText(change: PipelineChange, colors: Colors): string {
  const { kind, name, file, schedule } = change;
  const color = { added: colors.green, changed: colors.yellow, retired: colors.red, broken: colors.red }[kind];
  return [
    `${color(`${signs[kind]} ${colors.bold(name)}`)} ${kind} ${colors.dim(`(${file})`)}`,
    ...warningLines(change, colors),
    ...(change.through.length > 0 ? [] : staleText(change)).map(indented),
    ...runningText(change).map(indented),
    ...tableText(change, asIs).map(indented),
    ...differenceLines(change, colors),
    ...(schedule ? scheduleLines(schedule, colors) : []),
  ].join('\n');
}

function warningLines({ warnings }: Pick<PipelineChange, 'warnings'>, colors: Colors): string[] {
  return warnings.map(({ message }) => `  ${colors.yellow('!')} ${message}`);
}

function differenceLines({ fields, code }: Difference, colors: Colors): string[] {
  const changed = fields
    .map(fieldWords)
    .map(({ path, before, after }) => `  ${path}: ${colors.red(before)} → ${colors.green(after)}`);
  const texts = code.map(({ path, diff }) =>
    [...(path === '' ? [] : [`  ${path}:`]), ...diff.split('\n').map((line) => `    ${colored(line, colors)}`)].join(
      '\n',
    ),
  );
  return [...changed, ...texts];
}

function colored(line: string, colors: Colors): string {
  if (line.startsWith('+')) return colors.green(line);
  return line.startsWith('-') ? colors.red(line) : colors.dim(line);
}

function scheduleLines(schedule: ScheduleChange, colors: Colors): string[] {
  const { timeZone, vanish, appear, before, after, dueAtOnce } = schedule;
  if (before.length + after.length + dueAtOnce === 0) return ['  no window becomes due, before or after'];
  const lines = [`  ${rateText(schedule)} (${timeZone})`];
  // As in a diff: what goes, what comes, and then what stays.
  let come: string[] = [];
  for (const [one, other] of besideEachOther(schedule)) {
    if (one && other && isSame(one, other)) {
      lines.push(...come, keptLine(one, other, timeZone, colors));
      come = [];
      continue;
    }
    if (one && isAmong(vanish, one)) lines.push(`    ${colors.red(`- ${windowText(one, timeZone)}`)}`);
    if (other && isAmong(appear, other)) come.push(`    ${colors.green(`+ ${windowText(other, timeZone)}`)}`);
  }
  return [...lines, ...come];
}

/** A window that both sides cut may be due at another time. */
function keptLine(one: PlannedWindow, other: PlannedWindow, timeZone: string, colors: Colors): string {
  const text = windowText(one, timeZone);
  if (one.dueAt.getTime() === other.dueAt.getTime()) return `    ${colors.dim(`  ${text}`)}`;
  return `    ${colors.yellow(`~ ${text} → due ${localTime(other.dueAt.toISOString(), timeZone)}`)}`;
}
