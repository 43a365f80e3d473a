import type pg from 'pg';
import type { Problem } from '../../schemas/generated/types.ts';
import type { ProblemCode } from '../../schemas/problem-codes.ts';

const failedSchedule: ProblemCode = 'schedule-failed';

/** A problem as JSON, without what is not known; the digest of a folder's content tells nobody anything. `p`, `s`, `r` are its row, source and revision. */
export const problemJson = `jsonb_strip_nulls(jsonb_build_object('file', p.file, 'line', p.line, 'column', p."column", 'code', p.code,
  'message', p.message, 'pipeline', p.pipeline, 'frame', p.frame, 'source', s.name,
  'revision', case when s.ref is not null then r.name end, 'author', r.author))`;

/** All problems, by source and place. */
export async function readProblems(pool: pg.Pool): Promise<Problem[]> {
  const { rows } = await pool.query<{ problem: Problem }>(
    `select ${problemJson} as problem from (
       select source_id, position, file, line, "column", code, message, pipeline, frame, revision_id from problems
       union all
       select source_id, null, file, 1, 1, $1, format('pipeline "%s": its windows can no longer be computed (%s); correct its schedule',
         name, schedule_failure), name, null, null
       from pipelines where schedule_failed_at is not null and retired_at is null
     ) p join sources s on s.id = p.source_id left join revisions r on r.id = p.revision_id
     order by s.name, p.position, p.file`,
    [failedSchedule],
  );
  return rows.map(({ problem }) => problem);
}
