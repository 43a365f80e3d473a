import { existsSync } from 'node:fs';
import type { CompiledBlock, Load } from '../schemas/generated/types.ts';
import { checkSelect } from './checks/checks.ts';
import { artifactPath, artifactQuery, folderOf } from './engine/artifacts.ts';
import { statement } from './engine/statement.ts';
import { inBlock, TaskFailure } from './errors.ts';
import type { LoadSource } from './loads/load.ts';
import { openLoad } from './loads/open.ts';
import { blockScope } from './scope.ts';
import { note, type Task, timed } from './task.ts';
import { bindSql } from './transforms/sql-source.ts';
import { transformFragment } from './transforms/transform.ts';

/** What the loads of a task have counted, by block. */
export type LoadCounts = ReadonlyMap<string, LoadSource['counts']>;

/**
 * Makes the relations of all blocks known, and checks all SQL against their columns: so that a slip in the last block is
 * told before the first reads gigabytes. Loads that do not stream are read here.
 */
export async function openBlocks(task: Task): Promise<LoadCounts> {
  const counts = new Map<string, LoadSource['counts']>();
  for (const name of task.spec.inputs) await openArtifact(task, name);
  for (const block of task.blocks) {
    try {
      if (block.load) counts.set(block.name, await openLoadBlock(task, block, block.load));
      if (block.transform) await openTransform(task, block, block.transform.sql);
      for (const check of block.checks) {
        const { select, reads } = checkSelect(block, check);
        await task.relations.check(select, reads);
      }
    } catch (error) {
      throw inBlock(error, block.name);
    }
  }
  return counts;
}

async function openArtifact({ order, engine, relations }: Task, name: string): Promise<void> {
  const path = artifactPath(folderOf(order, name), name);
  if (order.taken?.[name] !== undefined && !existsSync(path)) throw gone(order, name);
  const query = artifactQuery(path);
  await relations.add(name, { columns: await engine.columnsOf(statement(query)), query });
}

function gone({ run, taken }: Task['order'], name: string): TaskFailure {
  const fact = `the rows of block "${name}", which run ${run.name} took over from the run with id ${taken?.[name]}, are no longer kept`;
  return new TaskFailure('ArtifactGone', `${fact}; rerun it with --from ${name}`);
}

async function openLoadBlock(task: Task, block: CompiledBlock, load: Load): Promise<LoadSource['counts']> {
  const { bundle, connections, relations, engine, scratch, signal } = task;
  const context = {
    block: block.name,
    engine,
    scratch,
    signal,
    log: (line: string) => task.log(`${block.name}: ${line}`),
    progress: (done: { bytes: number; totalBytes: number | null }) =>
      task.progress({ block: block.name, rows: null, ...done }),
  };
  const scope = blockScope(block, task.scope);
  const open = () => openLoad({ block, load, scope, bundle, connections, context });
  const source = await timed(task, block.name, open);
  // What is read while others ask for it takes no time of its own.
  if (source.csv?.feed) note(task, block.name, { durationMs: null });
  await relations.add(block.name, source);
  return source.counts;
}

async function openTransform(
  { engine, relations, bundle, scope }: Task,
  block: CompiledBlock,
  sql: NonNullable<CompiledBlock['transform']>['sql'],
): Promise<void> {
  const bound = bindSql(sql, block.origin, bundle, blockScope(block, scope));
  await relations.addSql(block.name, await transformFragment(engine, block.name, bound), block.from);
}
