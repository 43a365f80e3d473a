import type { Bundle, CompiledBlock, TaskOrder } from '../schemas/generated/types.ts';

/** With more than this in use a process makes room for a new one, in bytes. */
const mostMemory = 192 * 1024 * 1024;
const mostAttempts = 100;

/**
 * All that a task may consist of for its process to serve another one: what these leave behind is closed with the engine and the
 * connections. Code of a user's own would stay: its modules, its timers, its changed globals.
 */
const leavesNothing = {
  load: ['http', 'inline', 'postgres', 'format'],
  transform: ['sql'],
  export: ['postgres'],
};

/** Whether a process that has run `task` of a bundle, as its `count`th attempt, is as good as a new one. */
export function isAsGoodAsNew({ tasks, blocks }: Bundle, { task }: TaskOrder, count: number): boolean {
  if (count >= mostAttempts || process.memoryUsage.rss() > mostMemory) return false;
  const spec = tasks.find(({ name }) => name === task);
  return blocks.filter(({ name }) => spec?.blocks.includes(name)).every(isClean);
}

function isClean({ load, transform, export: exported, container, wait }: CompiledBlock): boolean {
  const { load: loads, transform: transforms, export: exports } = leavesNothing;
  const isKnown = (body: object | undefined, forms: readonly string[]) =>
    Object.keys(body ?? {}).every((form) => forms.includes(form));
  return !container && !wait && isKnown(load, loads) && isKnown(transform, transforms) && isKnown(exported, exports);
}
