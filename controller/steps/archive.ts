import type { Leader } from '../store/leaders.ts';
import { done, type Step } from './step.ts';

const whileLeadingMs = 3_000;

/**
 * Pods that write, and pods that have ended → their logs in rows, and Jobs that may go. One replica does it. Should another one
 * have taken over meanwhile, nothing is kept twice: whoever adds to a log names the size that it saw.
 */
export function createArchive(options: { leader: Leader; archiver: { pass(): Promise<void>; rest(): void } }): Step {
  const { leader, archiver } = options;
  return {
    name: 'archive',
    everyMs: whileLeadingMs,
    async pass() {
      if (await leader.lead()) await archiver.pass();
      else archiver.rest();
      return done();
    },
  };
}
