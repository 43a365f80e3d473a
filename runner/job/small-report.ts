import { writeFileSync } from 'node:fs';
import type { TaskReport } from '../../schemas/generated/types.ts';
import { messageOf } from '../errors.ts';
import { fitReport } from './fit-report.ts';

/** The kubelet keeps no more of a termination message. Bytes. */
const largest = 4096;

/**
 * Leaves what is enough to go on in the pod's status, for when the report itself cannot be delivered. False when it could not: the
 * report may still be delivered.
 */
export function leaveSmallReport(report: TaskReport, path: string, log: (line: string) => void): boolean {
  try {
    // The kubelet has made the file. Where it has not, this is no pod, and nobody would read it.
    writeFileSync(path, smallReport(report), { flag: 'r+' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log(`no small report was left: ${messageOf(error)}`);
    return false;
  }
}

/** `{"report": …}` of at most 4096 bytes, whatever the report. */
export function smallReport(report: TaskReport): string {
  const text = (small: TaskReport) => JSON.stringify({ report: small });
  const small = { ...report, sample: null, partial: true };
  return text(fitReport(small, (form) => Buffer.byteLength(text(form)) <= largest));
}
