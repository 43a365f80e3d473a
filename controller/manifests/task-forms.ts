import type { Bundle, CompiledBlock, CompiledTask } from '../../schemas/generated/types.ts';
import { digestOf } from './digest.ts';

/**
 * What of a version decides the rows that each task makes, as a digest by task: its blocks, the SQL files, connections and variables
 * that they name, image and volumes. Not retries, timeouts, resources and nodes: a task that got more memory gives the same rows.
 */
export function taskForms(bundle: Bundle): Map<string, string> {
  return new Map(bundle.tasks.map((task) => [task.name, digestOf(formOf(task, bundle))]));
}

function formOf({ retry: _, timeoutMs: __, pod, ...task }: CompiledTask, bundle: Bundle): object {
  const blocks = bundle.blocks.filter(({ name }) => task.blocks.includes(name)).map(withoutPlace);
  const named = new Set(stringsIn(blocks));
  const files = pick(bundle.files, (path) => named.has(path));
  // A name that merely stands in a text counts too: at worst a task runs again that need not.
  const text = JSON.stringify([task, blocks, files]);
  return {
    task,
    blocks,
    files,
    connections: pick(bundle.connections, (name) => named.has(name)),
    variables: pick(bundle.variables, (name) => text.includes(name)),
    timeZone: bundle.timeZone,
    pod: { image: pod?.image, namespace: pod?.namespace, volumes: pod?.volumes },
  };
}

/** Where it stands in the source changes no row. */
function withoutPlace({ origin: _, ...block }: CompiledBlock): object {
  return block;
}

function pick<T>(all: Readonly<Record<string, T>>, isWanted: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => isWanted(name)));
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
