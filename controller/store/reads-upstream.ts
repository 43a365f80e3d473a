import type pg from 'pg';
import { iso } from './reads-page.ts';
import { covered, isOver, openWindows } from './upstream.ts';

type Row = {
  readonly pipeline: string;
  readonly retired: boolean;
  readonly giveUpAt: Date;
  readonly gapAt: Date | null;
  readonly windows: readonly { readonly label: string; readonly phase: string; readonly reason: string | null }[];
};

/** What a queued run waits for of other pipelines, in a sentence, as it is now; null when for nothing. */
export async function upstreamOfRun(pool: pg.Pool, runId: number): Promise<string | null> {
  const { rows } = await pool.query<Row>(
    `select u.name as pipeline, u.retired_at is not null as retired, w.give_up_at as "giveUpAt", o.windows,
            lower(tstzmultirange(tstzrange(w.from_at, w.to_at)) - c.covered) as "gapAt"
     from waits w join runs r on r.id = w.run_id join pipelines u on u.id = w.pipeline_id ${covered} ${openWindows}
     where w.run_id = $1 and not ${isOver} order by w.block`,
    [runId],
  );
  if (rows.length > 0) return rows.map(sentence).join('; ');
  return unknownOf(pool, runId);
}

function sentence({ pipeline, retired, giveUpAt, gapAt, windows }: Row): string {
  const open = windows.map(({ label, phase, reason }) => `${label} is ${phase}${reason ? ` (${reason})` : ''}`);
  const gap = gapAt ? `it has no window at ${iso(gapAt)} so far` : 'a backfill is about to run its windows there';
  const why = open.length > 0 ? open.join(', ') : gap;
  return `waits for pipeline "${pipeline}"${retired ? ', which is retired' : ''}: ${why}; gives up at ${iso(giveUpAt)}`;
}

/** Pipelines that it waits for and that never had a good version. */
async function unknownOf(pool: pg.Pool, runId: number): Promise<string | null> {
  const { rows } = await pool.query<{ pipeline: string }>(
    `select t.wait ->> 'pipeline' as pipeline from runs r join pipelines p on p.id = r.pipeline_id
       join version_tasks t on t.version_id = case when r.keeps_version then r.version_id else p.version_id end and t.wait is not null
     where r.id = $1 and r.cleared_version_id is distinct from t.version_id
       and not exists (select from pipelines u where u.name = t.wait ->> 'pipeline' and u.version_id is not null)
     order by t.position limit 1`,
    [runId],
  );
  return rows[0] ? `waits for pipeline "${rows[0].pipeline}", of which no version was good so far` : null;
}
