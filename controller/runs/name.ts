/** `<pipeline>-<window label>`, with `-<run_no>` from 2 on. */
export function windowRunName(pipeline: string, label: string, runNo: number): string {
  return runNo === 1 ? `${pipeline}-${label}` : `${pipeline}-${label}-${runNo}`;
}

/** `<pipeline>-m<seq>`: a run without window. */
export function manualRunName(pipeline: string, seq: number): string {
  return `${pipeline}-m${seq}`;
}

/** `<run id>.<task>.<attempt>`: the attempt's identity everywhere; safe as a file name. */
export function attemptId(runId: number, task: string, number: number): string {
  return `${runId}.${task}.${number}`;
}

/** Reads what `attemptId` made; null for anything else. */
export function parseAttemptId(text: string): { runId: number; task: string; number: number } | null {
  const match = /^([1-9]\d{0,15})\.([a-z][a-z0-9_]*)\.([1-9]\d{0,8})$/.exec(text);
  if (!match) return null;
  return { runId: Number(match[1]), task: match[2] as string, number: Number(match[3]) };
}
