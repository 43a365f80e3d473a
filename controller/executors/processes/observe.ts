import { rm } from 'node:fs/promises';
import type { Observation } from '../port.ts';
import type { Children } from './children.ts';
import type { Ending } from './end.ts';
import { readIfThere, readTail } from './folder.ts';
import type { Sight } from './look.ts';
import type { Silence } from './silence.ts';

/** What the parts of the executor share. */
export type Context = {
  readonly home: string;
  readonly children: Children;
  readonly silence: Silence;
  readonly ending: Ending;
  readonly see: (attemptId: string) => Promise<Sight>;
  /** Ms of a clock that only goes forward. */
  readonly clock: () => number;
};

export async function observeOne(attemptId: string, context: Context): Promise<Observation> {
  const { children, silence, clock } = context;
  const sight = await context.see(attemptId);
  if (sight.report !== null && typeof sight.report !== 'string') {
    forget(attemptId, context);
    if (sight.process) context.ending.expectEnd(attemptId, sight.process);
    else await tidy(sight);
    return { state: 'reported', report: sight.report };
  }
  const ended = children.get(attemptId)?.ended;
  // A child of ours that has ended is about to tell how.
  if (sight.process || ended === null) {
    const beat = await readIfThere(sight.folder.beat);
    return { state: silence.isSilent(attemptId, beat, clock()) ? 'silent' : 'running' };
  }
  if (sight.started === 'nobody' && ended === undefined) return { state: 'absent' };
  return { state: 'gone', detail: await explain(sight, ended) };
}

/** What is known of an attempt that is over; from here on its files tell all. */
export function forget(attemptId: string, { silence, children }: Context): void {
  silence.forget(attemptId);
  children.forget(attemptId);
}

/** Of an attempt that is over only its log, order and report are kept. */
export async function tidy({ folder }: Sight): Promise<void> {
  await rm(folder.scratch, { recursive: true, force: true });
}

async function explain(sight: Sight, ended: string | undefined): Promise<string> {
  if (sight.started === 'barred') return 'it was barred before it began';
  const how = ended ? ` (${ended})` : '';
  const why = typeof sight.report === 'string' ? `: ${sight.report}` : '';
  const lines = await readTail(sight.folder.log, 500);
  return `its runner ended without a report${how}${why}${lines ? `; the end of its log: ${lines}` : ''}`;
}
