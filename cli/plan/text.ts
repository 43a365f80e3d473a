import type { Difference, PipelineChange, Plan, ScheduleChange } from '../../controller/plan/plan.ts';
import { counted } from '../format/amounts.ts';
import { problemText } from '../format/problems.ts';
import type { Terminal } from '../terminal.ts';
import { backfillText, fieldWords, headline, poolText, rateText, someNames, staleText, windowText } from './words.ts';

type Colors = Terminal['colors'];

const signs = { added: '+', changed: '~', retired: '-', broken: '!' };

/** For a terminal. */
export function planText(plan: Plan, colors: Colors): string {
  return [
    ...plan.problems.map((problem) => problemText(problem, colors)),
    ...plan.shared.map((change) =>
      [
        `${colors.bold(change.name)} reaches ${counted(change.pipelines.length, 'pipeline')}: ${someNames(change.pipelines, 10)}`,
        ...warningLines(change, colors),
        ...staleLines(change),
        ...differenceLines(change, colors),
      ].join('\n'),
    ),
    ...plan.pipelines.filter(hasMore).map((change) => pipelineText(change, colors)),
    ...plan.pools.map((pool) => `${colors.bold(`Pool ${pool.name}`)} ${poolText(pool)}`),
    ...plan.backfills.map((backfill) => `${colors.bold(`Backfill ${backfill.name}`)} ${backfillText(backfill)}`),
    colors.bold(headline(plan)),
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
    ...(change.through.length > 0 ? [] : staleLines(change)),
    ...differenceLines(change, colors),
    ...(schedule ? scheduleLines(schedule, colors) : []),
  ].join('\n');
}

function staleLines({ turnsStale }: { readonly turnsStale: boolean }): string[] {
  return turnsStale ? [`  ${staleText}`] : [];
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
  return [
    `  ${rateText(schedule)}`,
    ...vanish.map((window) => `    ${colors.red(`- ${windowText(window, timeZone)}`)}`),
    ...appear.map((window) => `    ${colors.green(`+ ${windowText(window, timeZone)}`)}`),
    ...(after.length > 0 ? [colors.dim(`    next: ${after.map(({ label }) => label).join(', ')} (${timeZone})`)] : []),
  ];
}
