import type { StepName } from './steps/step.ts';

/**
 * Wakes steps early. A hint, never the hand-over: the rows are that, and every step also looks by itself now and then, so a
 * lost signal costs time and nothing else. Between replicas the same hints come through LISTEN and NOTIFY (`notifications.ts`).
 */
export function createSignals() {
  const waiting = new Map<StepName, () => void>();
  const pending = new Set<StepName>();

  function wake(...steps: StepName[]): void {
    for (const step of steps) {
      const resolve = waiting.get(step);
      if (resolve) resolve();
      else pending.add(step);
    }
  }

  /** Resolves when the step is woken, the time is over, or the signal aborts. */
  function wait(step: StepName, ms: number, signal: AbortSignal): Promise<void> {
    if (pending.delete(step) || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        waiting.delete(step);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      signal.addEventListener('abort', finish);
      waiting.set(step, finish);
    });
  }

  /** Whoever is about to look needs no hint to look once more. */
  function forget(step: StepName): void {
    pending.delete(step);
  }

  return { wake, wait, forget };
}

export type Signals = ReturnType<typeof createSignals>;
