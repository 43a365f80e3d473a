import type pg from 'pg';
import { done, type Step } from './steps/step.ts';
import { assertLeader, type Leader, type Leadership, NotLeaderError } from './store/leaders.ts';

const lookMs = 2_000;

/**
 * A step that only one replica may do at a time. The others look now and then whether they lead. `make` gets a check for inside the
 * writing transaction, so that a replica that was frozen while another took over writes nothing, and the term, which changes with
 * every take-over.
 */
export function onlyLeader(
  leader: Leader,
  make: (assertOwner: (db: pg.ClientBase) => Promise<void>, term: () => number | undefined) => Step,
): Step {
  let led: Leadership | null = null;
  const step = make(
    async (db) => {
      if (led) await assertLeader(db, led);
    },
    () => led?.term,
  );
  return handingOver(leader, {
    ...step,
    async pass(signal) {
      led = await leader.lead();
      if (!led) return done(lookMs);
      try {
        return await step.pass(signal);
      } catch (error) {
        if (error instanceof NotLeaderError) return done(lookMs);
        throw error;
      }
    },
  });
}

/** Another replica takes over as soon as a step has ended its work, whatever else this process has still to end. */
export function handingOver(leader: Leader, step: Step): Step {
  return {
    ...step,
    async finish() {
      await step.finish?.();
      // Where the store does not answer, the term runs out by itself.
      await leader.release().catch(() => {});
    },
  };
}
