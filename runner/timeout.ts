import { TaskFailure } from './errors.ts';

/** Aborts its signal with `TimedOut` after so many milliseconds; never for null. */
export function startTimeout(ms: number | null): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  if (ms === null) return { signal: controller.signal, clear() {} };
  const message = `the attempt took longer than its timeout of ${ms / 1000} s; raise the timeout, or give it less to do`;
  const timer = setTimeout(() => controller.abort(new TaskFailure('TimedOut', message)), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
