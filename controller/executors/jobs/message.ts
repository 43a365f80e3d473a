import type { TaskReport } from '../../../schemas/generated/types.ts';
import { parseReport } from '../processes/report.ts';
import type { Pod } from './kinds.ts';

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
