import type pg from 'pg';
import type { SourceList, SourceSummary } from '../../schemas/generated/types.ts';
import { problemJson } from './reads-problems.ts';

const shownProblems = 100;

type Row = Omit<SourceSummary, 'syncedAt' | 'failedAt'> & {
  readonly syncedAt: Date | null;
  readonly failedAt: Date | null;
};

/** The sources that are declared, by name, with the first problems of each. */
export async function readSources(pool: pg.Pool): Promise<SourceList> {
  const { rows } = await pool.query<Row>(
    `select s.name, s.kind, s.location, s.ref, s.path, s.environment, s.suspended, now.name as revision, now.author,
            s.synced_at as "syncedAt", s.failure, s.failed_at as "failedAt", coalesce(has.pipelines, 0) as pipelines,
            coalesce(wrong.problems, 0) as "problemCount", coalesce(first.problems, '[]') as problems
     from sources s left join revisions now on now.id = s.revision_id
     left join (select source_id, count(*)::int as pipelines from pipelines where retired_at is null group by 1) has
       on has.source_id = s.id
     left join (select source_id, count(*)::int as problems from problems group by 1) wrong on wrong.source_id = s.id
     cross join lateral (
       select jsonb_agg(${problemJson} order by p.position) as problems
       from (select * from problems where source_id = s.id order by position limit $1) p
         left join revisions r on r.id = p.revision_id
     ) first
     where s.removed_at is null order by s.name`,
    [shownProblems],
  );
  return {
    sources: rows.map(({ syncedAt, failedAt, ...row }) => ({
      ...row,
      syncedAt: syncedAt?.toISOString() ?? null,
      failedAt: failedAt?.toISOString() ?? null,
    })),
  };
}
