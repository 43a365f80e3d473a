import { setTimeout as delay } from 'node:timers/promises';

/** Effects that go on from pass to pass, so that the slowest does not hold up the others. */
export function createEffects() {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let onEnd = () => {};
  return {
    count: () => running.size,
    begin(effect: Promise<void>): void {
      const kept: Promise<void> = effect
        .catch((error) => void failures.push(error))
        .finally(() => {
          running.delete(kept);
          onEnd();
        });
      running.add(kept);
    },
    /** Until no more than `few` are under way, and no longer than `ms`. Throws what has failed since the last time. */
    async wait(ms: number, few = 0): Promise<void> {
      const patience = new AbortController();
      const enough = new Promise<void>((resolve) => {
        onEnd = () => running.size <= few && resolve();
        onEnd();
      });
      await Promise.race([enough, delay(ms, undefined, { signal: patience.signal }).catch(() => {})]);
      patience.abort();
      const [first] = failures.splice(0);
      if (first !== undefined) throw first;
    },
    finish: async () => void (await Promise.all(running)),
  };
}
