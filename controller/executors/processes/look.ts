import type { TaskReport } from '../../../schemas/generated/types.ts';
import { isAlive, type ProcessIdentity } from '../../../schemas/processes.ts';
import type { Children } from './children.ts';
import { type AttemptFolder, attemptFolder, readIfThere, readStarted, type Started } from './folder.ts';
import { parseReport } from './report.ts';

/** An attempt as its files and processes show it now. */
export type Sight = {
  readonly folder: AttemptFolder;
  readonly started: Started;
  /** The process that has it in hand, while it lives. */
  readonly process: ProcessIdentity | null;
  /** A text says why the report that is there is none. */
  readonly report: TaskReport | string | null;
};

export type LookOptions = { readonly home: string; readonly attemptId: string; readonly children: Children };

export async function look(options: LookOptions): Promise<Sight> {
  const { home, attemptId, children } = options;
  const folder = attemptFolder(home, attemptId);
  const started = await readStarted(folder);
  const identity = whoRuns(started, options);
  const process = identity && isAlive(identity) && !children.isElsewhere(identity, attemptId) ? identity : null;
  // Our child may have ended because another runner has begun, just after the file was read.
  if (started === 'nobody' && !process && (await readStarted(folder)) !== 'nobody') return look(options);
  if (process && started !== 'nobody') children.adopt(process);
  // Only now: a runner that ends in between has left its report by then, one that is read before might still come.
  const text = await readIfThere(folder.report);
  return { folder, started, process, report: text === null ? null : parseReport(text, attemptId) };
}

/** The file decides. Without one it is our own child, which has not got there yet. */
function whoRuns(started: Started, { attemptId, children }: LookOptions): ProcessIdentity | null {
  if (typeof started === 'object') return started;
  return started === 'nobody' ? (children.get(attemptId)?.identity ?? null) : null;
}
