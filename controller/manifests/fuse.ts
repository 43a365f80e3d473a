import { type Node, upstream } from './graph.ts';

/** What fusion looks at. `begins`: the block begins a new task; `isAlone`: and no other block joins it. */
export type Fusable = Node & { readonly begins: boolean; readonly isAlone: boolean };

type Group = { readonly members: string[]; readonly isHeaded: boolean; readonly isClosed: boolean };

/**
 * Fuses blocks into tasks. `blocks` are in topological order; so are the result and the blocks of each task.
 *
 * A block joins the tasks of the blocks it reads from, and makes one task of them, unless it begins a task of its own. A task that a
 * block began (by `when`, `needs`, `retry`, `timeout`, `pool`) is that block and what is downstream of it, because these hold for the whole
 * task: it takes a block in only as the one task the block reads from, and is never merged with others. No merge may close a
 * circle of tasks; a block that would close one begins a task instead.
 */
export function fuseBlocks(blocks: readonly Fusable[]): string[][] {
  const graph: Graph = { groups: new Map(), above: new Map(blocks.map((block) => [block.name, upstream(block)])) };
  for (const block of blocks) {
    const sources = [...new Set((block.from ?? []).flatMap((name) => graph.groups.get(name) ?? []))];
    const joined = canJoin(block, sources, graph) ? sources : [];
    const group: Group = {
      members: [...joined.flatMap(({ members }) => members), block.name],
      isHeaded: joined.length === 0 ? block.begins : joined.some(({ isHeaded }) => isHeaded),
      isClosed: block.isAlone,
    };
    for (const name of group.members) graph.groups.set(name, group);
  }
  return inOrder(blocks, graph);
}

/** Which group each block is in so far, and which blocks each one waits for. */
type Graph = { readonly groups: Map<string, Group>; readonly above: ReadonlyMap<string, readonly string[]> };

function canJoin(block: Fusable, sources: readonly Group[], graph: Graph): boolean {
  if (block.begins || block.isAlone || sources.some(({ isClosed }) => isClosed)) return false;
  if (sources.length < 2) return true;
  return !sources.some(({ isHeaded }) => isHeaded) && !closesCircle(sources, graph);
}

/** Whether a way leads from one of the groups out and back into one of them. */
function closesCircle(sources: readonly Group[], graph: Graph): boolean {
  const merged = new Set(sources);
  const seen = new Set<Group>();
  const open = sources.flatMap((group) => groupsAbove(group, graph)).filter((group) => !merged.has(group));
  for (let group = open.pop(); group; group = open.pop()) {
    if (merged.has(group)) return true;
    if (seen.has(group)) continue;
    seen.add(group);
    open.push(...groupsAbove(group, graph));
  }
  return false;
}

function groupsAbove({ members }: Group, { groups, above }: Graph): Group[] {
  const found = new Set<Group>();
  for (const name of members) {
    for (const other of above.get(name) ?? []) {
      const group = groups.get(other);
      if (group) found.add(group);
    }
  }
  return [...found];
}

/** Tasks in topological order, and in the order of their first blocks where that leaves a choice. */
function inOrder(blocks: readonly Fusable[], graph: Graph): string[][] {
  const place = new Map(blocks.map((block, index) => [block.name, index]));
  const by = (name: string) => place.get(name) ?? 0;
  const placed = new Set<Group>();
  const tasks: string[][] = [];
  const visit = (group: Group): void => {
    if (placed.has(group)) return;
    placed.add(group);
    for (const other of groupsAbove(group, graph)) visit(other);
    tasks.push(group.members.toSorted((a, b) => by(a) - by(b)));
  };
  for (const block of blocks) {
    const group = graph.groups.get(block.name);
    if (group) visit(group);
  }
  return tasks;
}
