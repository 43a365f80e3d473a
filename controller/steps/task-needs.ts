import type { CompiledBlock, Container, TaskOrder } from '../../schemas/generated/types.ts';
import { type ContainerTask, RefusedError, type TaskNeeds } from '../executors/port.ts';
import { blockScope, pipelineScope, renderField } from '../expressions/pipeline-scope.ts';
import { ExpressionError, type Scope } from '../expressions/template.ts';
import type { TaskPlace } from '../manifests/place.ts';
import { excessText, judge } from '../manifests/policy.ts';
import type { ClaimedAttempt } from '../store/attempts.ts';
import type { TaskAsks } from '../store/versions.ts';

type Claim = Pick<ClaimedAttempt, 'task' | 'details'>;

/**
 * What an attempt asks of the place where it runs, with nothing left to evaluate. Throws a RefusedError. The policy is judged here
 * once more, since the version may be from before it: the last good one runs on when a sync finds it to be outside.
 */
export function needsOf({ task, details }: Claim, order: TaskOrder, bounds: TaskPlace): TaskNeeds {
  const { pod, container: block, inputs }: TaskAsks = details.tasks?.[task] ?? { inputs: [] };
  const container = block?.container;
  // Secrets of connections come to runners only.
  const secrets = container ? [] : details.secrets.map(({ name }) => name);
  const excess = excessOf({ pod, container, secrets }, bounds);
  if (excess !== null) throw new RefusedError('OutsidePolicy', excess);
  return {
    ...(pod && { pod }),
    ...(block && container && { container: evaluated(block, container, inputs, pipelineScope(order, details)) }),
  };
}

function excessOf(asked: Parameters<typeof judge>[0], bounds: TaskPlace): string | null {
  if (bounds.kind === 'processes') {
    const wayOut = 'run the controller in a cluster, with `start --jobs`';
    return asked.container ? `a container block runs only as a Job of Kubernetes; ${wayOut}` : null;
  }
  const [first] = judge(asked, bounds);
  return first ? excessText(first) : null;
}

function evaluated(
  block: CompiledBlock,
  { image, command, args, env = {} }: Container,
  inputs: readonly string[],
  pipeline: Scope,
): ContainerTask {
  try {
    const scope = blockScope(block, pipeline);
    const text = (value: string, field: string) => renderField(value, scope, 'string', field) as string;
    const values = Object.entries(env).map(([name, value]): [string, ContainerTask['env'][string]] => [
      name,
      typeof value === 'object' ? value : text(String(value), `env.${name}`),
    ]);
    return {
      block: block.name,
      origin: block.origin,
      image,
      ...(command && { command }),
      ...(args && { args: args.map((value, index) => text(value, `args[${index}]`)) }),
      env: Object.fromEntries(values),
      inputs,
    };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new RefusedError('ExpressionFailed', `block "${block.name}": ${error.message}`);
  }
}
