import type { CompiledTask, PipelineBlock, PipelineSpec, Retry } from '../../schemas/generated/types.ts';
import { bodyOf } from './check-block.ts';
import type { Context } from './context.ts';
import { milliseconds, parseDuration } from './duration.ts';
import { fuseBlocks } from './fuse.ts';
import { upstream } from './graph.ts';
import { hasOwnPod, mergePod } from './pod.ts';

/** The tasks of a pipeline in topological order. `order`: its blocks, in topological order too. */
export function compileTasks(context: Context, spec: PipelineSpec, order: readonly PipelineBlock[]): CompiledTask[] {
  const containers = new Set(order.filter((block) => bodyOf(context, block)?.container).map(({ name }) => name));
  // A container is alone, since no block reads from it.
  const fusable = order.map((block) => {
    const begins = containers.has(block.name) || beginsTask(block);
    return { ...block, begins, isAlone: block.isolate === true };
  });
  const groups = fuseBlocks(fusable);
  const taskOf = new Map(groups.flatMap((names) => names.map((name) => [name, names.at(-1) ?? ''])));
  const byName = new Map(order.map((block) => [block.name, block]));
  const readElsewhere = new Set(
    order.flatMap(({ name, from = [] }) => from.filter((source) => taskOf.get(source) !== taskOf.get(name))),
  );
  return groups.map((names) => {
    const members = names.flatMap((name) => byName.get(name) ?? []);
    const [head] = members;
    const name = names.at(-1) ?? '';
    const wait = compileWait(head?.wait);
    const pod = wait ? undefined : mergePod(spec, head ?? {}, containers.has(name));
    const isOutside = (other: string) => taskOf.get(other) !== name;
    return {
      name,
      blocks: names as CompiledTask['blocks'],
      needs: [...new Set(members.flatMap(upstream).flatMap((other) => taskOf.get(other) ?? []))].filter(
        (task) => task !== name,
      ),
      inputs: [...new Set(members.flatMap(({ from }) => from ?? []).filter(isOutside))],
      outputs: names.filter((each) => readElsewhere.has(each)),
      ...(head?.when !== undefined && { when: head.when }),
      retry: retryOf({ ...spec.retry, ...head?.retry }),
      timeoutMs: milliseconds(head?.timeout),
      ...(head?.pool !== undefined && { pool: head.pool }),
      ...(pod && { pod }),
      ...(wait && { wait }),
    };
  });
}

/** Airflow’s sensors wait as long: forgotten ones must not stay for ever, and a long weekend must not end one. */
const longestWait = '7d';

function compileWait(wait: PipelineBlock['wait']): CompiledTask['wait'] {
  if (!wait) return undefined;
  const { pipeline, window = 'covering', timeout = longestWait } = wait;
  return { pipeline, window, timeoutMs: parseDuration(timeout) ?? 0 };
}

function beginsTask(block: PipelineBlock): boolean {
  const own = [block.when, block.retry, block.timeout, block.pool];
  return own.some((each) => each !== undefined) || hasOwnPod(block) || (block.needs ?? []).length > 0;
}

function retryOf({ limit = 0, initial = '30s', factor = 2, max = '10m' }: Retry): CompiledTask['retry'] {
  return { limit, initialMs: parseDuration(initial) ?? 0, factor, maxMs: parseDuration(max) ?? 0 };
}
