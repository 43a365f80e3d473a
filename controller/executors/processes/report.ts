import type { TaskReport } from '../../../schemas/generated/types.ts';
import { reasons } from '../../../schemas/reasons.ts';

/**
 * The report in a runner's file, or a sentence that says why it is none. Only what the controller relies on is looked at: a
 * runner that an older or newer Pipewright started may say a little less or more.
 */
export function parseReport(text: string, attemptId: string): TaskReport | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'its report is no JSON';
  }
  if (!isObject(value)) return 'its report is no object';
  const wrong = checks.find(([, holds]) => !holds(value, attemptId));
  return wrong ? `its report has a bad "${wrong[0]}"` : (value as unknown as TaskReport);
}

type Fields = Record<string, unknown>;

const checks: [keyof TaskReport, (report: Fields, attemptId: string) => boolean][] = [
  ['attemptId', (report, attemptId) => report.attemptId === attemptId],
  ['outcome', ({ outcome }) => outcome === 'Succeeded' || outcome === 'Failed' || outcome === 'Cancelled'],
  ['reason', ({ reason }) => reason === null || (typeof reason === 'string' && Object.hasOwn(reasons, reason))],
  ['error', ({ error }) => error === undefined || (isObject(error) && typeof error.message === 'string')],
  ['startedAt', ({ startedAt }) => isInstant(startedAt)],
  ['finishedAt', ({ finishedAt }) => isInstant(finishedAt)],
  ['durationMs', ({ durationMs }) => typeof durationMs === 'number'],
  [
    'blocks',
    ({ blocks }) => Array.isArray(blocks) && blocks.every((block) => isObject(block) && typeof block.name === 'string'),
  ],
  [
    'sample',
    ({ sample }) =>
      sample === null || (isObject(sample) && Array.isArray(sample.columns) && Array.isArray(sample.rows)),
  ],
];

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
