import type pg from 'pg';
import type { Phase } from '../../schemas/generated/types.ts';
import { windowRunName } from '../runs/name.ts';
import { writeAudit } from '../store/audit.ts';
import {
  adoptRuns,
  type EndedBackfill,
  queueTurns,
  settleBackfills,
  shareRuns,
  type Turn,
  takeTurns,
} from '../store/backfill-queue.ts';
import { wants } from '../windows/backfill.ts';

const turnsPerPass = 500;

export type Fed = {
  readonly queued: number;
  /** Whether there may be more to do at once. */
  readonly more: boolean;
  readonly settled: readonly EndedBackfill[];
};

/** Backfills with room → queued runs of their next windows; those with nothing left are settled. */
export async function feedBackfills(db: pg.ClientBase): Promise<Fed> {
  const turns = await takeTurns(db, turnsPerPass);
  const { queue, share } = decideTurns(turns);
  await queueTurns(
    db,
    queue.map((turn) => ({
      ...turn,
      runNo: turn.runNo + 1,
      runName: windowRunName(turn.pipeline, turn.label, turn.runNo + 1),
    })),
  );
  await shareRuns(db, share);
  await adoptRuns(db);
  const settled = await settleBackfills(db);
  await writeAudit(db, settled.filter(({ phase }) => phase === 'Cancelled').map(cancelled));
  return { queued: queue.length, more: turns.length === turnsPerPass || share.length > 0, settled };
}

function cancelled({ name, reason }: EndedBackfill) {
  return { actor: 'schedule', verb: 'cancel', subjectKind: 'backfill' as const, subject: name, reason };
}

type Decided = { queue: Turn[]; share: (Omit<Turn, 'phase'> & { phase: Phase | null })[] };

/** What a window has when its turn comes counts, not what it had when the backfill was made: a window has one live run. */
function decideTurns(turns: readonly Turn[]): Decided {
  const decided: Decided = { queue: [], share: [] };
  const taken = new Set<string>();
  for (const turn of turns) {
    const key = `${turn.pipelineId} ${turn.calendarId} ${turn.start.getTime()}`;
    // Two backfills at once: the second one finds the run that the first has just queued in its next turn.
    if (taken.has(key)) continue;
    taken.add(key);
    if (turn.isLive) decided.share.push({ ...turn, phase: null });
    else if (turn.forced || wants(turn.rerun, turn)) decided.queue.push(turn);
    else decided.share.push({ ...turn, phase: turn.phase as Phase });
  }
  return decided;
}
