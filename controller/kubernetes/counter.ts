export type CallCount = { readonly verb: string; readonly resource: string; readonly count: number };

/** Counts calls by verb and plural; a call that is tried again counts again. */
export function createCounter() {
  const counts = new Map<string, CallCount>();
  return {
    add(verb: string, resource: string): void {
      const key = `${verb} ${resource}`;
      counts.set(key, { verb, resource, count: (counts.get(key)?.count ?? 0) + 1 });
    },
    read: (): CallCount[] => [...counts.values()],
  };
}
