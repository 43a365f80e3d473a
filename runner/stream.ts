import type { DuckDBDataChunk } from '@duckdb/node-api';
import { createFailureCounter, markedSelect, requirePassed } from './checks/checks.ts';
import { selectAll } from './engine/named.ts';
import type { Relation } from './engine/relation.ts';
import { createSampler } from './sample.ts';
import { note, type Task } from './task.ts';

/** A relation on its way to whoever reads it. */
export type Streamed = Relation & {
  /** Rows so far. */
  readonly rows: number;
  /** To be called when all rows have passed. Throws `CheckFailed`. */
  requirePassed(): void;
};

/**
 * Streams a relation; its `expect` checks are counted and its sample is taken as the rows pass by. A relation that was stored has
 * been checked before.
 */
export function streamRelation(task: Task, name: string, wasChecked: boolean): Streamed {
  const { relations, findings } = task;
  const { columns } = relations.get(name);
  const block = wasChecked ? undefined : task.blocks.find((each) => each.name === name);
  const counter = block && createFailureCounter(block, columns.length);
  const sampler = name === lastRelation(task) ? createSampler(name, columns) : null;
  let rows = 0;

  async function* chunks(): AsyncGenerator<DuckDBDataChunk, void> {
    for await (const chunk of relations.stream(block ? markedSelect(block) : selectAll(name), [name])) {
      rows += chunk.rowCount;
      counter?.observe(chunk);
      sampler?.observe(chunk);
      yield chunk;
    }
    if (sampler) findings.sample = sampler.sample();
  }

  return {
    block: name,
    columns,
    chunks,
    get rows() {
      return rows;
    },
    requirePassed() {
      if (!block || !counter) return;
      const checks = counter.results();
      note(task, name, { checks });
      requirePassed(block, checks, rows);
    },
  };
}

/** The relation whose sample goes into the report: the last block's, or what the last block exports. */
export function lastRelation({ blocks }: Task): string | undefined {
  const last = blocks.at(-1);
  return last?.export ? last.from[0] : last?.name;
}
