import type pg from 'pg';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { RunPublication } from '../../schemas/publications.ts';
import type { Publisher } from '../publish/publisher.ts';
import { shownProblems } from '../publish/source-resource.ts';
import { type DirtyMark, forget, markAgain, markLive, type Rest, takeDirty } from '../store/dirty.ts';
import { assertLeader, type Leader, type Leadership, NotLeaderError } from '../store/leaders.ts';
import { transaction } from '../store/pool.ts';
import {
  readPipelinePublications,
  readRunPublications,
  readSourcePublications,
  runsBeyondHistory,
} from '../store/publications.ts';
import { publishBackfills } from './publish-backfills.ts';
import { again, done, type PassResult, type Step } from './step.ts';

/** Few enough that a pass ends well before the leadership does, also at the rate that the API server is asked at. */
const marksPerPass = 100;
/** Not none: who looks sees that things go on. */
const marksWhileBusy = 2;
/** So that most runs take two writes, and one of their pipeline's: see docs/designs/few-writes.md. Migration 0013 knows `later` of runs. */
const defaultRest: Rest = {
  run: { soon: 2_000, later: 10_000, last: 60_000 },
  pipeline: { soon: 3_000, later: 10_000, last: 30_000 },
  backfill: { soon: 2_000, later: 10_000 },
};

type Options = {
  readonly pool: pg.Pool;
  readonly leader: Leader;
  readonly publisher: Publisher;
  /** Whether the API server has more urgent work. */
  readonly isBusy?: () => boolean;
  readonly failpoint?: Failpoint;
  /** The same number that the publisher has. */
  readonly history: number;
  readonly rest?: Rest;
};

/**
 * Rows marked dirty → custom resources, by one replica. What changed several times between two passes is written once, as it
 * is by then.
 */
export function createPublish(options: Options): Step {
  const { pool, leader, publisher, isBusy = () => false, failpoint = () => {}, rest = defaultRest } = options;
  let term: number | null = null;
  return {
    name: 'publish',
    everyMs: 1_000,
    async pass(): Promise<PassResult> {
      const led = await leader.lead();
      if (!led) {
        term = null;
        return done();
      }
      if (led.term !== term) {
        publisher.reset();
        // What the replica before this one wrote last is not known, and may have been older than the rows are.
        await markLive(pool);
        term = led.term;
      }
      const limit = isBusy() ? marksWhileBusy : marksPerPass;
      const marks = await takeDirty(pool, { limit, rest });
      if (marks.length === 0) return done();
      failpoint('publish.before-effect');
      await publishMarks(options, marks);
      failpoint('publish.after-effect');
      if (!(await settle(pool, led, marks))) term = null;
      failpoint('publish.after-commit');
      return marks.length === marksPerPass ? again : done();
    },
  };
}

async function publishMarks(options: Options, marks: readonly DirtyMark[]): Promise<void> {
  const { pool, publisher, history } = options;
  const idsOf = (kind: DirtyMark['kind']) => marks.flatMap((mark) => (mark.kind === kind ? [mark.id] : []));
  const since = new Map(marks.flatMap((mark) => (mark.kind === 'run' ? [[mark.id, mark.markedAt]] : [])));
  const runs = await readRunPublications(pool, idsOf('run'), history);
  const items = runs.map((run) => {
    const marked = since.get(run.id) as Date;
    return { run, shownBefore: run.finishedAt !== null && marked > run.finishedAt };
  });
  const fresh = items.flatMap(({ run, shownBefore }) => (shownBefore || !publisher.isNewRun(run) ? [] : [run]));
  await publisher.publishSources(await readSourcePublications(pool, { ids: idsOf('source') }, shownProblems));
  await publisher.publishPipelines(await readPipelinePublications(pool, { ids: idsOf('pipeline') }));
  await publisher.publishRuns(items);
  await publisher.removeRuns(await runsBeyondHistory(pool, countByPipeline(fresh), history));
  await publishBackfills(options, marks);
}

/** As many runs as are new have left the newest of their pipeline. */
function countByPipeline(runs: readonly RunPublication[]): { name: string; count: number }[] {
  return [...Map.groupBy(runs, (run) => run.pipeline)].map(([name, those]) => ({ name, count: those.length }));
}

/** A crash before this publishes the same once more, which changes nothing. False when another replica leads by now. */
async function settle(pool: pg.Pool, led: Leadership, marks: readonly DirtyMark[]): Promise<boolean> {
  try {
    await transaction(pool, async (db) => {
      await assertLeader(db, led);
      await forget(db, marks);
    });
    return true;
  } catch (error) {
    if (!(error instanceof NotLeaderError)) throw error;
    // What was written just now may have undone what the new leader wrote.
    await markAgain(pool, marks);
    return false;
  }
}
