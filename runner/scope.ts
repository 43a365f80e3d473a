import { blockScope as evaluateScope, renderField } from '../controller/expressions/pipeline-scope.ts';
import { ExpressionError, type Scalar, type Scope } from '../controller/expressions/template.ts';
import type { CompiledBlock } from '../schemas/generated/types.ts';
import { TaskFailure } from './errors.ts';

/** Inside a Block only its parameters and the window are names. Throws `ExpressionFailed`. */
export function blockScope(block: CompiledBlock, pipeline: Scope): Scope {
  return orFail(() => evaluateScope(block, pipeline));
}

/** What a Connection may use: `env_var` alone, which its reader adds. */
export function connectionScope(timeZone: string): Scope {
  return { variables: {}, window: null, timeZone };
}

/** Evaluates the `{{ }}` of the field that `field` names. Throws `ExpressionFailed`. */
export function render(text: string, scope: Scope, as: Parameters<typeof renderField>[2], field: string): Scalar {
  return orFail(() => renderField(text, scope, as, field));
}

function orFail<T>(evaluate: () => T): T {
  try {
    return evaluate();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new TaskFailure('ExpressionFailed', error.message, {}, error);
  }
}
