import { someNames } from '../../controller/plan/names.ts';
import type {
  Difference,
  PipelineChange,
  Plan,
  PlannedWindow,
  PoolChange,
  ScheduleChange,
  SharedChange,
} from '../../controller/plan/plan.ts';
import { counted } from '../format/amounts.ts';
import { cleaned } from './clean.ts';
import { hasMore } from './text.ts';
import { besideEachOther, isAmong, takeOverText, windowText } from './windows.ts';
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

/** By this line the comment on a pull request is found again. */
const marker = '<!-- pipewright plan -->';

/** A forge refuses longer comments. */
const mostChars = 60_000;

/** For a comment. All that comes from the repository stands in code, where it can neither format nor call anybody. */
export function planMarkdown(found: Plan): string {
  const plan = cleaned(found);
  const attention = alarm(plan);
  const parts = [
    `${marker}\n### Pipewright plan\n\n${sentence(escaped(headline(plan)))}`,
    ...(attention === undefined ? [] : [`⚠️ ${sentence(attention)}`]),
    ...problemParts(plan),
    ...plan.shared.map((change) => sharedPart(change, plan)),
    ...plan.pipelines.filter(hasMore).map(pipelinePart),
    ...plan.pools.map(poolPart),
    ...plan.backfills.map(
      (backfill) => `#### ${code(`Backfill ${backfill.name}`)}\n\n${sentence(backfillText(backfill, code))}`,
    ),
    ...plan.endedBackfills.map(
      ({ name, pipeline }) =>
        `#### ${code(`Backfill ${name}`)} ends\n\nWhat it has not begun of ${code(pipeline)} is cancelled.`,
    ),
  ];
  return `${cut(parts).join('\n\n')}\n`;
}

/** Whole parts, as many as fit. */
function cut(parts: readonly string[]): string[] {
  let chars = 0;
  const kept = parts.filter((part) => {
    chars += part.length + 2;
    return chars <= mostChars;
  });
  const left = parts.length - kept.length;
  return left === 0 ? kept : [...kept, `… and ${counted(left, 'more part')}; \`pipewright plan\` prints them all.`];
}

function problemParts({ problems }: Plan): string[] {
  return problems.map(
    ({ file, line, column, message, frame }) =>
      `❌ ${code(`${file}:${line}:${column}`)} ${code(message)}${frame === undefined ? '' : `\n\n${block(frame, '')}`}`,
  );
}

function sharedPart(change: SharedChange, { pipelines: all }: Plan): string {
  const { name, pipelines } = change;
  const reached = details(`reaches ${counted(pipelines.length, 'pipeline')}`, code(someNames(pipelines, 200)));
  return [
    `#### ${code(name)}`,
    reached,
    ...listParts(change, sharedStaleText(change, all)),
    ...differenceParts(change),
  ].join('\n\n');
}

function pipelinePart(change: PipelineChange): string {
  const { name, kind, file, schedule } = change;
  const isShared = change.through.length > 0;
  const facts = [...(isShared ? [] : staleText(change)), ...runningText(change), ...tableText(change, code)];
  return [
    `#### ${code(name)} ${kind}`,
    code(file),
    ...listParts(change, facts),
    ...differenceParts(change),
    ...(schedule ? [schedulePart(schedule)] : []),
  ].join('\n\n');
}

function poolPart(pool: PoolChange): string {
  const meetings = collisionText(pool, code).map((line) => `- ${sentence(line)}`);
  return [
    `#### ${code(`Pool ${pool.name}`)}`,
    sentence(poolText(pool, code)),
    ...(meetings.length > 0 ? [meetings.join('\n')] : []),
  ].join('\n\n');
}

/** What to look at twice, and then what else there is to know. */
function listParts({ warnings }: Pick<PipelineChange, 'warnings'>, facts: readonly string[]): string[] {
  const lines = [
    ...warnings.map(({ message }) => `- ⚠️ ${code(message)}`),
    ...facts.map((fact) => `- ${sentence(fact)}`),
  ];
  return lines.length === 0 ? [] : [lines.join('\n')];
}

function differenceParts({ fields, code: texts }: Difference): string[] {
  const rows = fields
    .map(fieldWords)
    .map(({ path, before, after }) => `| ${[path, before, after].map(cell).join(' | ')} |`);
  return [
    ...(rows.length > 0 ? [['| field | before | after |', '| --- | --- | --- |', ...rows].join('\n')] : []),
    ...texts.map(({ path, diff }) => `${path === '' ? '' : `${code(path)}\n\n`}${block(diff, 'diff')}`),
  ];
}

function schedulePart(schedule: ScheduleChange): string {
  const { timeZone, before, after, vanish, appear, dueAtOnce } = schedule;
  if (before.length + after.length + dueAtOnce === 0) return 'No window becomes due, before or after.';
  const cellOf = (window: PlannedWindow | undefined, marked: readonly PlannedWindow[], mark: string) =>
    window ? `${isAmong(marked, window) ? `${mark} ` : ''}${cell(windowText(window, timeZone))}` : '';
  const isChange = before.length > 0 && after.length > 0;
  const rows = besideEachOther(schedule).map(([one, other]) => {
    const cells = [cellOf(one, isChange ? vanish : [], '➖'), cellOf(other, isChange ? appear : [], '➕')];
    return `| ${(isChange ? cells : cells.filter((text) => text !== '')).join(' | ')} |`;
  });
  const head = isChange
    ? ['| before | after |', '| --- | --- |']
    : [`| ${before.length > 0 ? 'before' : 'after'} |`, '| --- |'];
  const counts = `of the next windows ${vanish.length} vanish and ${appear.length} appear; ${takeOverText}`;
  return [
    sentence(rateText(schedule)),
    ...(isChange && vanish.length + appear.length > 0 ? [sentence(counts)] : []),
    ...(rows.length > 0 ? [details(`the next windows (${timeZone})`, [...head, ...rows].join('\n'))] : []),
  ].join('\n\n');
}

function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

/** Text that may hold a name from a path; all others are checked by the compiler. */
function escaped(text: string): string {
  return text.replace(/[`*_<>[\]@#|\\&]/g, '\\$&');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** A code span that nothing in the text can end. */
function code(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const fence = '`'.repeat(longestRun(line) + 1);
  const room = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${room}${line === '' ? ' ' : line}${room}${fence}`;
}

/** Within a table a bar would end the cell, in code too. */
function cell(text: string): string {
  const short = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return code(short).replaceAll('|', '\\|');
}

function block(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
}
