import type pg from 'pg';
import type { AttemptDetail, RunDetail, TaskDetail } from '../../schemas/generated/types.ts';
import { isoOrNull } from './reads-page.ts';
import { type SummaryRow, summary, summaryColumns } from './reads-runs.ts';

type RunRow = SummaryRow & Pick<RunDetail, 'message' | 'version' | 'revision' | 'variables'>;
type TaskRow = Pick<TaskDetail, 'name' | 'blocks' | 'needs' | 'phase' | 'reason'>;
type AttemptRow = Pick<AttemptDetail, 'number' | 'phase' | 'reason' | 'message' | 'report'> & {
  readonly task: string;
  readonly launchedAt: Date | null;
  readonly finishedAt: Date | null;
};

export async function readRun(pool: pg.Pool, name: string): Promise<RunDetail | null> {
  const { rows } = await pool.query<RunRow>(
    `select ${summaryColumns}, r.message, v.digest as version, s.name as revision, r.variables
     from runs r join pipelines p on p.id = r.pipeline_id join versions v on v.id = r.version_id join revisions s on s.id = v.revision_id
     where r.name = $1 order by r.id desc limit 1`,
    [name],
  );
  const run = rows[0];
  if (!run) return null;
  const tasks = await pool.query<TaskRow>(
    'select name, blocks, needs, phase, reason from tasks where run_id = $1 order by position',
    [run.id],
  );
  const attempts = await pool.query<AttemptRow>(
    `select task, number, phase, reason, message, launched_at as "launchedAt", finished_at as "finishedAt", report
     from attempts where run_id = $1 order by task, number`,
    [run.id],
  );
  const byTask = Map.groupBy(attempts.rows, (attempt) => attempt.task);
  const { message, version, revision, variables } = run;
  return {
    ...summary(run),
    message,
    version,
    revision,
    variables,
    tasks: tasks.rows.map((task) => ({ ...task, attempts: (byTask.get(task.name) ?? []).map(attemptDetail) })),
  };
}

function attemptDetail({ task: _, launchedAt, finishedAt, ...attempt }: AttemptRow): AttemptDetail {
  return { ...attempt, startedAt: isoOrNull(launchedAt), finishedAt: isoOrNull(finishedAt) };
}
