import type fc from 'fast-check';
import type { FailpointName } from '../../schemas/failpoints.ts';
import { busy, overfull, wrongNow } from './invariants.ts';
import { type Model, schedule, sync } from './pipeline.ts';
import type { StepName, World } from './world.ts';

type Command = fc.AsyncCommand<Model, World>;
/** After each command the ledger must hold, and what is live must fit its limits. */
export function command(
  text: string,
  run: (model: Model, world: World) => Promise<void>,
  check = (_: Model) => true,
): Command {
  return {
    check,
    toString: () => text,
    async run(model, world) {
      const before = await busy(world);
      await run(model, world);
      const wrong = [...(await wrongNow(world)), ...overfull(before, await busy(world))];
      if (wrong.length > 0) throw new Error(`after ${text}: ${wrong.join('; ')}`);
    },
  };
}

/** What a pass changes of the model, unless it crashed before it had committed: the rest of the steps leaves the schedule alone. */
export async function pass(
  model: Model,
  world: World,
  which: number,
  step: StepName,
  crashAt: FailpointName | null = null,
) {
  const crashed = await world.pass(which, step, crashAt);
  if (crashed && crashAt !== `${step}.after-commit`) return;
  if (step === 'sync') sync(model);
  if (step === 'schedule') schedule(model);
}
