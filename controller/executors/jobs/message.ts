import type { TaskReport } from '../../../schemas/generated/types.ts';
import { parseReport } from '../processes/report.ts';
import type { Pod, Terminated } from './kinds.ts';

/** The small report that a runner left in the termination message of a pod, `{"report": …}`; null where there is none. */
export function reportIn(pods: readonly Pod[], attemptId: string): TaskReport | null {
  for (const pod of pods) {
    for (const { state } of pod.status?.containerStatuses ?? []) {
      const report = parseMessage(state?.terminated?.message ?? '', attemptId);
      if (report) return report;
    }
  }
  return null;
}

function parseMessage(text: string, attemptId: string): TaskReport | null {
  let small: unknown;
  try {
    small = (JSON.parse(text) as { report?: unknown } | null)?.report;
  } catch {
    return null;
  }
  if (typeof small !== 'object' || small === null) return null;
  const whole = { reason: null, peakMemoryBytes: null, blocks: [], sample: null, ...small, partial: true };
  const report = parseReport(JSON.stringify(whole), attemptId);
  return typeof report === 'string' ? null : report;
}

/** How the pod's container ended, if it has. */
export function terminatedOf({ status }: Pod): Terminated | undefined {
  return status?.containerStatuses?.map(({ state }) => state?.terminated).find((one) => one !== undefined);
}

/** What a container has put out in its termination message; a sentence's end where that is nothing we can read. */
export function outputsIn(message: string): NonNullable<TaskReport['outputs']> | string {
  if (message.trim() === '') return {};
  let outputs: unknown;
  try {
    outputs = JSON.parse(message);
  } catch {
    return 'holds no JSON';
  }
  if (typeof outputs !== 'object' || outputs === null || Array.isArray(outputs)) return 'holds JSON that is no object';
  const nested = Object.entries(outputs).find(([, value]) => typeof value === 'object' && value !== null);
  if (nested) return `holds "${nested[0]}", which is a list or an object`;
  return outputs as NonNullable<TaskReport['outputs']>;
}

const mostLines = 5;
const mostCharacters = 600;

/** The last lines of a termination message, in one. */
export function lastLines(message: string): string {
  const lines = message.split('\n').map((line) => line.trim());
  const text = lines
    .filter((line) => line !== '')
    .slice(-mostLines)
    .join(' | ');
  return text.length <= mostCharacters ? text : `…${text.slice(-mostCharacters).toWellFormed()}`;
}
