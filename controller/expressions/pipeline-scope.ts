import type { Bundle, CompiledBlock, TaskOrder } from '../../schemas/generated/types.ts';
import { ExpressionError } from './errors.ts';
import type { Scalar, Scope } from './scope.ts';
import { renderTemplate } from './template.ts';

/** What is known of a run, and what its pipeline declares. */
type Given = Pick<TaskOrder, 'pipeline' | 'window' | 'variables' | 'outputs'> & {
  readonly run: Pick<TaskOrder['run'], 'name' | 'runNo' | 'trigger'>;
};
type Declared = Pick<Bundle, 'variables' | 'timeZone'>;

/** What the expressions of a pipeline are evaluated against: declared defaults, overridden by the run's variables. */
export function pipelineScope({ pipeline, run, window, variables, outputs = {} }: Given, declared: Declared): Scope {
  const defaults = Object.entries(declared.variables).map(([name, { default: value }]): [string, Scalar] => [
    name,
    value ?? null,
  ]);
  return {
    variables: { ...Object.fromEntries(defaults), ...variables },
    types: declared.variables,
    window: window && {
      start: new Date(window.start),
      end: new Date(window.end),
      previousStart: new Date(window.previousStart),
      previousEnd: new Date(window.previousEnd),
      nextEnd: new Date(window.nextEnd),
      label: window.label,
    },
    timeZone: declared.timeZone,
    pipeline,
    run,
    outputs,
  };
}

/** Inside a Block only its parameters and the window are names. Throws an ExpressionError. */
export function blockScope(block: CompiledBlock, pipeline: Scope): Scope {
  if (block.use === undefined) return pipeline;
  const types = block.parameterTypes ?? {};
  const variables = Object.entries(block.parameters ?? {}).map(([name, value]): [string, Scalar] => {
    const type = types[name]?.type ?? 'scalar';
    return [name, typeof value === 'string' ? renderField(value, pipeline, type, `with.${name}`) : value];
  });
  const { window, timeZone } = pipeline;
  return { variables: Object.fromEntries(variables), types, window, timeZone };
}

/** Evaluates the `{{ }}` of the field that `field` names. Throws an ExpressionError that names it. */
export function renderField(
  text: string,
  scope: Scope,
  as: Parameters<typeof renderTemplate>[2],
  field: string,
): Scalar {
  try {
    return renderTemplate(text, scope, as);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError(`${field}: ${error.message}`, error.kind);
  }
}
