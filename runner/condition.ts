import { pipelineScope } from '../controller/expressions/pipeline-scope.ts';
import { evaluateCondition } from '../controller/expressions/template.ts';
import type { Bundle, TaskOrder } from '../schemas/generated/types.ts';

/**
 * Whether a task's `when` holds, for a run that no controller decides (`run --local`). Throws `ExpressionError` when it cannot
 * be evaluated.
 */
export function conditionHolds(condition: string, order: TaskOrder, bundle: Bundle): boolean {
  return evaluateCondition(condition, pipelineScope(order, bundle));
}
