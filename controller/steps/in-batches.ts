/**
 * Makes one call of many: what comes while `work` is under way is worked on together, right after it. Resolves for each whether
 * it is among those that `work` returns; when `work` throws, all of its batch are told.
 */
export function inBatches<T>(work: (items: readonly T[]) => Promise<readonly T[]>): (item: T) => Promise<boolean> {
  let waiting: { item: T; tell: PromiseWithResolvers<boolean> }[] = [];
  let busy = false;
  async function drain(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        const taken = new Set(await work(batch.map(({ item }) => item)));
        for (const { item, tell } of batch) tell.resolve(taken.has(item));
      } catch (error) {
        for (const { tell } of batch) tell.reject(error);
      }
    }
    busy = false;
  }
  return (item) => {
    const tell = Promise.withResolvers<boolean>();
    waiting.push({ item, tell });
    if (!busy) void drain();
    return tell.promise;
  };
}
