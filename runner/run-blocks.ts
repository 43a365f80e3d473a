import type { CompiledBlock } from '../schemas/generated/types.ts';
import { checkResult, checkSelect, requirePassed } from './checks/checks.ts';
import { writeArtifact } from './engine/artifacts.ts';
import { statement } from './engine/statement.ts';
import { quoteIdentifier } from './engine/text.ts';
import { inBlock } from './errors.ts';
import { openBlocks } from './open-blocks.ts';
import { relationsToStore } from './plan.ts';
import { countText } from './progress.ts';
import { runExport } from './run-export.ts';
import { sampleOf, sampleRows } from './sample.ts';
import { lastRelation, streamRelation } from './stream.ts';
import { note, type Task, timed } from './task.ts';

/**
 * Runs the blocks of a task in topological order. First all are opened and their SQL is checked; then each relation that
 * has to is made a table, checked, and handed to other tasks; an export streams what it reads, and a relation that nobody reads
 * is streamed to its end. Throws `TaskFailure`.
 */
export async function runBlocks(task: Task): Promise<void> {
  const counts = await openBlocks(task);
  const toStore = relationsToStore(task.blocks, task.spec);
  try {
    for (const block of task.blocks) {
      try {
        if (block.export) await runExport(task, block, block.export.postgres, toStore);
        else await runRelation(task, block, toStore.has(block.name));
      } catch (error) {
        throw inBlock(error, block.name);
      }
    }
    await sampleStored(task);
  } finally {
    for (const [name, { rows, bytes }] of counts) {
      note(task, name, { rows: rows ?? task.relations.rowsRead(name), bytes });
    }
  }
}

async function runRelation(task: Task, block: CompiledBlock, toStore: boolean): Promise<void> {
  const { blocks, spec } = task;
  const { name } = block;
  if (toStore) await timed(task, name, () => storeRelation(task, block));
  if (spec.outputs.includes(name)) await timed(task, name, () => handOver(task, name));
  else if (!blocks.some(({ from }) => from.includes(name))) await timed(task, name, () => drain(task, name, toStore));
}

async function storeRelation(task: Task, block: CompiledBlock): Promise<void> {
  const { relations, log } = task;
  const { name } = block;
  if (!relations.get(name).isStored) {
    const rows = await relations.store(name);
    note(task, name, { rows });
    log(`${name}: ${countText(rows)} rows`);
  }
  await runChecks(task, block);
}

/** Checks a relation that can be read more than once. */
async function runChecks(task: Task, block: CompiledBlock): Promise<void> {
  const { name, checks } = block;
  if (checks.length === 0) return;
  const results = [];
  for (const check of checks) {
    const { select, reads } = checkSelect(block, check);
    results.push(checkResult(check, await count(task, select, reads)));
  }
  note(task, name, { checks: results });
  const rows = await count(task, statement(`select count(*) from ${quoteIdentifier(name)}`), [name]);
  requirePassed(block, results, rows);
}

async function count(
  { relations }: Task,
  select: ReturnType<typeof statement>,
  reads: readonly string[],
): Promise<number> {
  return Number((await relations.rows(select, reads))[0]?.[0]);
}

async function handOver(task: Task, name: string): Promise<void> {
  const { relations, order, failpoint, log } = task;
  const { artifacts: folder, attemptId } = order;
  const rows = await writeArtifact({ relations, name, folder, attemptId, failpoint });
  note(task, name, { rows });
  log(`${name}: ${countText(rows)} rows handed to other tasks`);
}

/** Reads a relation that nobody else reads: for its count, its checks and its sample. */
async function drain(task: Task, name: string, wasChecked: boolean): Promise<void> {
  const streamed = streamRelation(task, name, wasChecked);
  for await (const chunk of streamed.chunks()) {
    task.progress({ block: name, rows: streamed.rows, bytes: null, totalBytes: null });
    void chunk;
  }
  note(task, name, { rows: streamed.rows });
  task.log(`${name}: ${countText(streamed.rows)} rows`);
  streamed.requirePassed();
}

/** The sample of a last relation that was not streamed. */
async function sampleStored(task: Task): Promise<void> {
  const { relations, findings } = task;
  const name = lastRelation(task);
  if (findings.sample || name === undefined || !relations.get(name).isStored) return;
  const select = statement(`select * from ${quoteIdentifier(name)} limit ${sampleRows}`);
  findings.sample = sampleOf(name, relations.get(name).columns, await relations.rows(select, [name]));
}
