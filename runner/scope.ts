import { ExpressionError, renderTemplate, type Scalar, type Scope } from '../controller/expressions/template.ts';
import type { Bundle, CompiledBlock, TaskOrder } from '../schemas/generated/types.ts';
import { TaskFailure } from './errors.ts';

/** What the expressions of a pipeline are evaluated against: declared defaults, overridden by the run's variables. */
export function pipelineScope(order: TaskOrder, bundle: Bundle): Scope {
  const defaults = Object.entries(bundle.variables).map(([name, { default: value }]): [string, Scalar] => [
    name,
    value ?? null,
  ]);
  const { window } = order;
  return {
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
  };
}

/** Inside a Block only its parameters and the window are names. Throws `ExpressionFailed`. */
export function blockScope(block: CompiledBlock, pipeline: Scope): Scope {
  if (block.use === undefined) return pipeline;
  const types = block.parameterTypes ?? {};
  const variables = Object.entries(block.parameters ?? {}).map(([name, value]): [string, Scalar] => {
    const type = types[name]?.type ?? 'scalar';
    return [name, typeof value === 'string' ? render(value, pipeline, type, `with.${name}`) : value];
  });
  const { window, timeZone } = pipeline;
  return { variables: Object.fromEntries(variables), types, window, timeZone };
}

/** What a Connection may use: `env_var` alone, which its reader adds. */
export function connectionScope(timeZone: string): Scope {
  return { variables: {}, window: null, timeZone };
}

/** Evaluates the `{{ }}` of the field that `field` names. Throws `ExpressionFailed`. */
export function render(text: string, scope: Scope, as: Parameters<typeof renderTemplate>[2], field: string): Scalar {
  try {
    return renderTemplate(text, scope, as);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new TaskFailure('ExpressionFailed', `${field}: ${error.message}`, {}, error);
  }
}
