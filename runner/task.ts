import type { Scope } from '../controller/expressions/template.ts';
import type { Failpoint } from '../schemas/failpoints.ts';
import type {
  BlockReport,
  Bundle,
  CompiledBlock,
  CompiledTask,
  Sample,
  TaskOrder,
} from '../schemas/generated/types.ts';
import type { Connections } from './connections/connections.ts';
import type { Engine } from './engine/engine.ts';
import type { Relations } from './engine/relations.ts';
import type { Progress } from './progress.ts';

/** What is said of a task while it runs; the report is made of it however it ends. */
export type Findings = { readonly blocks: Map<string, BlockReport>; sample: Sample | null };

/** A task under way. */
export type Task = {
  readonly order: TaskOrder;
  readonly bundle: Bundle;
  readonly spec: CompiledTask;
  /** Its blocks in topological order. */
  readonly blocks: readonly CompiledBlock[];
  readonly scope: Scope;
  readonly scratch: string;
  readonly engine: Engine;
  readonly relations: Relations;
  readonly connections: Connections;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly progress: (progress: Progress) => void;
  readonly failpoint: Failpoint;
  readonly findings: Findings;
};

export function createFindings(blocks: readonly CompiledBlock[]): Findings {
  const empty = { rows: null, bytes: null, durationMs: null, checks: [] };
  return {
    blocks: new Map(blocks.map((block) => [block.name, { name: block.name, kind: kindOf(block), ...empty }])),
    sample: null,
  };
}

function kindOf({ load, transform }: CompiledBlock): string {
  if (load) return `load.${load.http ? 'http' : load.postgres ? 'postgres' : 'inline'}`;
  return transform ? 'transform.sql' : 'export.postgres';
}

/** Adds to what is said of a block. */
export function note({ findings }: Task, block: string, found: Partial<BlockReport>): void {
  const report = findings.blocks.get(block);
  if (report) findings.blocks.set(block, { ...report, ...found });
}

/** Runs a part of a block's work and adds its time to what is said of the block. */
export async function timed<T>(task: Task, block: string, act: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await act();
  } finally {
    const before = task.findings.blocks.get(block)?.durationMs ?? 0;
    note(task, block, { durationMs: before + Math.round(performance.now() - begun) });
  }
}
