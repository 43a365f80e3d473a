import type {
  Difference,
  PipelineChange,
  Plan,
  PlannedWindow,
  ScheduleChange,
  SharedChange,
} from '../../controller/plan/plan.ts';
import { counted } from '../format/amounts.ts';
import { hasMore } from './text.ts';
import { backfillText, fieldWords, headline, poolText, rateText, someNames, staleText, windowText } from './words.ts';

/** By this line the comment on a pull request is found again. */
const marker = '<!-- pipewright plan -->';

/** A forge refuses longer comments. */
const mostChars = 60_000;

/** For a comment. All that comes from the repository stands in code, where it can neither format nor call anybody. */
export function planMarkdown(plan: Plan): string {
  const parts = [
    `${marker}\n### Pipewright plan\n\n${sentence(headline(plan))}`,
    ...problemParts(plan),
    ...plan.shared.map(sharedPart),
    ...plan.pipelines.filter(hasMore).map(pipelinePart),
    ...plan.pools.map((pool) => `#### ${code(`Pool ${pool.name}`)}\n\n${code(poolText(pool))}`),
    ...plan.backfills.map((backfill) => `#### ${code(`Backfill ${backfill.name}`)}\n\n${code(backfillText(backfill))}`),
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

function sharedPart(change: SharedChange): string {
  const { name, pipelines } = change;
  const reached = details(`reaches ${counted(pipelines.length, 'pipeline')}`, code(someNames(pipelines, 200)));
  return [
    `#### ${code(name)}`,
    reached,
    ...warningParts(change),
    ...staleParts(change),
    ...differenceParts(change),
  ].join('\n\n');
}

function pipelinePart(change: PipelineChange): string {
  const { name, kind, file, schedule } = change;
  return [
    `#### ${code(name)} ${kind}`,
    code(file),
    ...warningParts(change),
    ...(change.through.length > 0 ? [] : staleParts(change)),
    ...differenceParts(change),
    ...(schedule ? [schedulePart(schedule)] : []),
  ].join('\n\n');
}

function staleParts({ turnsStale }: { readonly turnsStale: boolean }): string[] {
  return turnsStale ? [sentence(staleText)] : [];
}

function warningParts({ warnings }: Pick<PipelineChange, 'warnings'>): string[] {
  return warnings.length === 0 ? [] : [warnings.map(({ message }) => `- ⚠️ ${code(message)}`).join('\n')];
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
  const rows = Array.from({ length: Math.max(before.length, after.length) }, (_, index) => {
    const texts = [before[index], after[index]].map((window) => (window ? cell(windowText(window, timeZone)) : ''));
    return `| ${texts.join(' | ')} |`;
  });
  const labels = (windows: readonly PlannedWindow[]) => code(windows.map(({ label }) => label).join(', '));
  return [
    sentence(rateText(schedule)),
    ...(vanish.length > 0 ? [`- windows that vanish: ${labels(vanish)}`] : []),
    ...(appear.length > 0 ? [`- windows that appear: ${labels(appear)}`] : []),
    details(`the next windows (${timeZone})`, ['| before | after |', '| --- | --- |', ...rows].join('\n')),
  ].join('\n\n');
}

function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
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
