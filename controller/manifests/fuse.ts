import { type Node, upstream } from './graph.ts';

/** What fusion looks at. `begins`: the block begins a new task; `isAlone`: and no other block joins it. */
export type Fusable = Node & { readonly begins: boolean; readonly isAlone: boolean };

type Group = { readonly members: string[]; readonly isHeaded: boolean; readonly isClosed: boolean };

/**
 * Fuses blocks into tasks. `blocks` are in topological order; so are the result and the blocks of each task.
 *
 * A block joins the tasks of the blocks it reads from, and makes one task of them, unless it begins a task of its own. A task that a
 * block began (by `when`, `needs`, `retry`, `timeout`) is that block and what is downstream of it, because these hold for the whole
 * task: it takes a block in only as the one task the block reads from, and is never merged with others. No merge may close a
 * circle of tasks; a block that would close one begins a task instead.
 */
export function fuseBlocks(blocks: readonly Fusable[]): string[][] {
  const groups = new Map<string, Group>();
  const byName = new Map(blocks.map((block) => [block.name, block]));
  for (const block of blocks) {
    const sources = [...new Set((block.from ?? []).flatMap((name) => groups.get(name) ?? []))];
    const members = canJoin(block, sources, groups, byName) ? sources.flatMap((group) => group.members) : [];
    const joins = members.length > 0;
    const group: Group = {
      members: [...members, block.name],
      isHeaded: joins ? sources.some(({ isHeaded }) => isHeaded) : block.begins,
      isClosed: block.isAlone,
    };
    for (const name of group.members) groups.set(name, group);
  }
  return inOrder(blocks, groups, byName);
}

function canJoin(
  block: Fusable,
  sources: readonly Group[],
  groups: ReadonlyMap<string, Group>,
  byName: ReadonlyMap<string, Fusable>,
): boolean {
  if (block.begins || block.isAlone || sources.some(({ isClosed }) => isClosed)) return false;
  if (sources.length > 1 && sources.some(({ isHeaded }) => isHeaded)) return false;
  return !closesCircle(sources, groups, byName);
}

/** Whether a way leads from one of the groups out and back into one of them. */
function closesCircle(
  sources: readonly Group[],
  groups: ReadonlyMap<string, Group>,
  byName: ReadonlyMap<string, Fusable>,
): boolean {
  const merged = new Set(sources);
  const seen = new Set<Group>();
  const above = (group: Group) => group.members.flatMap((name) => upstreamGroups(name, groups, byName));
  const open = sources.flatMap(above).filter((group) => !merged.has(group));
  for (let group = open.pop(); group; group = open.pop()) {
    if (merged.has(group)) return true;
    if (seen.has(group)) continue;
    seen.add(group);
    open.push(...above(group));
  }
  return false;
}

function upstreamGroups(
  name: string,
  groups: ReadonlyMap<string, Group>,
  byName: ReadonlyMap<string, Fusable>,
): Group[] {
  const block = byName.get(name);
  return block ? upstream(block).flatMap((other) => groups.get(other) ?? []) : [];
}

/** Tasks in topological order, and in the order of their first blocks where that leaves a choice. */
function inOrder(
  blocks: readonly Fusable[],
  groups: ReadonlyMap<string, Group>,
  byName: ReadonlyMap<string, Fusable>,
): string[][] {
  const place = new Map(blocks.map((block, index) => [block.name, index]));
  const by = (name: string) => place.get(name) ?? 0;
  const placed = new Set<Group>();
  const tasks: string[][] = [];
  const visit = (group: Group): void => {
    if (placed.has(group)) return;
    placed.add(group);
    for (const name of group.members) for (const other of upstreamGroups(name, groups, byName)) visit(other);
    tasks.push(group.members.toSorted((a, b) => by(a) - by(b)));
  };
  for (const block of blocks) {
    const group = groups.get(block.name);
    if (group) visit(group);
  }
  return tasks;
}
