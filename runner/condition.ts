import { evaluateCondition, type Scalar } from '../controller/expressions/template.ts';
import type { Bundle, TaskOrder } from '../schemas/generated/types.ts';

/**
 * Whether a task's `when` holds, for a run that no controller decides (`run --local`). Throws `ExpressionError` when it cannot
 * be evaluated.
 */
export function conditionHolds(condition: string, order: TaskOrder, bundle: Bundle): boolean {
  const defaults = Object.entries(bundle.variables).map(([name, { default: value }]): [string, Scalar] => [
    name,
    value ?? null,
  ]);
  const { window } = order;
  return evaluateCondition(condition, {
    variables: { ...Object.fromEntries(defaults), ...order.variables },
    types: bundle.variables,
    window: window && {
      start: new Date(window.start),
      end: new Date(window.end),
      previousStart: new Date(window.previousStart),
      previousEnd: new Date(window.previousEnd),
      label: window.label,
    },
    timeZone: bundle.timeZone,
    pipeline: order.pipeline,
    run: order.run,
  });
}
