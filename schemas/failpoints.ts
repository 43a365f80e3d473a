import { closeSync, openSync } from 'node:fs';

/**
 * Places where a test kills or freezes a process: one before and one after every effect and every commit. `test/chaos`
 * hits each of them; the catalogue and the code are held together by a test.
 */
export const failpoints = [
  'sync.before-read',
  'sync.after-read',
  'sync.after-compile',
  'sync.before-commit',
  'sync.after-commit',
  'intake.before-commit',
  'intake.after-commit',
  'schedule.before-commit',
  'schedule.after-commit',
  'wait.before-commit',
  'wait.after-commit',
  'admit.before-commit',
  'admit.after-commit',
  'launch.before-claim',
  'launch.after-claim',
  'launch.after-effect',
  'launch.after-settle',
  'stop.before-effect',
  'stop.after-effect',
  'fence.before-effect',
  'fence.after-effect',
  'observe.before-commit',
  'observe.after-commit',
  'advance.before-commit',
  'advance.after-commit',
  'processes.before-bundle',
  'processes.after-bundle',
  'processes.before-order',
  'processes.after-order',
  'processes.after-spawn',
  'jobs.before-bundle',
  'jobs.after-bundle',
  'jobs.after-job',
  'receive.before-commit',
  'receive.after-commit',
  'receive.after-refusal',
  'publish.before-effect',
  'publish.after-effect',
  'publish.after-commit',
  'announce.before-effect',
  'announce.after-effect',
  'retain.before-commit',
  'retain.before-drop',
  'retain.after-drop',
  'runner.before-started',
  'runner.after-started',
  'runner.before-report',
  'runner.after-report',
  'artifact.before-rename',
  'artifact.after-rename',
  'export.before-claim',
  'export.after-claim',
  'export.before-commit',
  'export.after-commit',
] as const;

export type FailpointName = (typeof failpoints)[number];
export type Failpoint = (name: FailpointName) => void;

/**
 * `PIPEWRIGHT_FAILPOINT=NAME[@N][:stop]`: at the Nth (first) hit the process kills itself with SIGKILL, or freezes with
 * SIGSTOP. With `PIPEWRIGHT_FAILPOINT_ONCE=PATH` it happens once for all processes that share that path: the file is the mark.
 * Without the variable the returned function does nothing.
 */
export function createFailpoint(environment: Record<string, string | undefined>): Failpoint {
  const match = /^([a-z.-]+)(?:@(\d+))?(:stop)?$/.exec(environment.PIPEWRIGHT_FAILPOINT ?? '');
  if (!match) return () => {};
  const [, wanted, nth, stop] = match;
  let left = Number(nth ?? 1);
  return (name) => {
    if (name !== wanted || --left !== 0) return;
    if (!takeMark(environment.PIPEWRIGHT_FAILPOINT_ONCE)) return;
    process.kill(process.pid, stop ? 'SIGSTOP' : 'SIGKILL');
  };
}

function takeMark(path: string | undefined): boolean {
  if (!path) return true;
  try {
    closeSync(openSync(path, 'wx'));
    return true;
  } catch {
    return false;
  }
}
