/** A block as far as the graph is concerned. */
export type Node = { readonly name: string; readonly from?: readonly string[]; readonly needs?: readonly string[] };

/** The blocks that one waits for, without repetition. */
export function upstream({ from = [], needs = [] }: Node): string[] {
  return [...new Set([...from, ...needs])];
}

/**
 * Blocks in topological order, those that could swap in the order of the manifest; or the names of one circle, each waiting for the
 * next and the last for the first. Names that no block has are passed over.
 */
export function sortBlocks<Block extends Node>(blocks: readonly Block[]): { order: Block[] } | { cycle: string[] } {
  const byName = new Map(blocks.map((block) => [block.name, block]));
  const order: Block[] = [];
  const done = new Set<string>();
  let left = [...blocks];
  while (left.length > 0) {
    const waiting: Block[] = [];
    for (const block of left) {
      const isReady = upstream(block).every((name) => done.has(name) || !byName.has(name));
      if (!isReady) waiting.push(block);
      else {
        order.push(block);
        done.add(block.name);
      }
    }
    if (waiting.length === left.length) return { cycle: findCycle(waiting, done) };
    left = waiting;
  }
  return { order };
}

/** Every waiting block waits for another waiting one, so following them must come back to one that was seen. */
function findCycle(waiting: readonly Node[], done: ReadonlySet<string>): string[] {
  const byName = new Map(waiting.map((block) => [block.name, block]));
  const trail: string[] = [];
  let current = waiting[0];
  while (current && !trail.includes(current.name)) {
    trail.push(current.name);
    const next = upstream(current).find((name) => byName.has(name) && !done.has(name));
    current = next === undefined ? undefined : byName.get(next);
  }
  return current ? trail.slice(trail.indexOf(current.name)) : trail;
}

/** The names of all blocks that the one called `name` waits for, directly or not; itself among them only in a circle. */
export function ancestors(blocks: readonly Node[], name: string): ReadonlySet<string> {
  const byName = new Map(blocks.map((block) => [block.name, block]));
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const block = byName.get(next);
    for (const above of block ? upstream(block) : []) {
      if (found.has(above)) continue;
      found.add(above);
      open.push(above);
    }
  }
  return found;
}
