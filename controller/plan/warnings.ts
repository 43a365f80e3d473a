import type { CompiledPipeline } from '../../schemas/generated/types.ts';
import { destruction } from './destruction.ts';
import type { Warning } from './plan.ts';
import { newRights } from './rights.ts';
import type { Tables } from './tables.ts';

/** What a change may destroy, and what it may reach that it could not reach before. `tables`: of the head. */
export function warningsOf(
  before: CompiledPipeline | undefined,
  after: CompiledPipeline | undefined,
  tables: Tables,
): Warning[] {
  return [
    ...destruction(before, after, tables).map((message): Warning => ({ kind: 'destructive', message })),
    ...(after ? newRights(before, after) : []).map((message): Warning => ({ kind: 'permission', message })),
  ];
}
