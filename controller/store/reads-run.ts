import type pg from 'pg';
import type { AttemptDetail, RunDetail, TaskDetail } from '../../schemas/generated/types.ts';
import type { Limits } from './admission.ts';
import { isoOrNull } from './reads-page.ts';
import { type SummaryRow, summary, summaryColumns } from './reads-runs.ts';
import { upstreamOfRun } from './reads-upstream.ts';
import { waitOfRun, waitsOfTasks } from './reads-waits.ts';

type RunRow = SummaryRow &
  Pick<RunDetail, 'message' | 'version' | 'source' | 'revision' | 'file' | 'variables'> & {
    readonly lateAt: Date | null;
  };
type TaskRow = Pick<TaskDetail, 'name' | 'blocks' | 'needs' | 'phase' | 'reason' | 'takenFrom'>;
type AttemptRow = Pick<AttemptDetail, 'number' | 'phase' | 'reason' | 'message' | 'image' | 'report'> & {
  readonly task: string;
  readonly launchedAt: Date | null;
  readonly finishedAt: Date | null;
};

export async function readRun(pool: pg.Pool, name: string, limits: Limits = {}): Promise<RunDetail | null> {
  const { rows } = await pool.query<RunRow>(
    `select ${summaryColumns}, r.message, v.digest as version, o.name as source, e.name as revision, coalesce(r.file, p.file) as file, r.variables,
            (select late_at from windows w where w.pipeline_id = r.pipeline_id and w.calendar_id = r.calendar_id and w.start_at = r.window_start) as "lateAt"
     from runs r join pipelines p on p.id = r.pipeline_id join versions v on v.id = r.version_id
       join revisions e on e.id = coalesce(r.revision_id, v.revision_id) join sources o on o.id = e.source_id
     where r.name = $1 order by r.id desc limit 1`,
    [name],
  );
  const run = rows[0];
  if (!run) return null;
  const tasks = await pool.query<TaskRow>(
    `select t.name, t.blocks, t.needs, t.phase, t.reason,
            case when t.taken_from is not null then coalesce(r.name, 'a run that is no longer kept') end as "takenFrom"
     from tasks t left join runs r on r.id = t.taken_from where t.run_id = $1 order by t.position`,
    [run.id],
  );
  const attempts = await pool.query<AttemptRow>(
    `select task, number, phase, reason, message, launched_at as "launchedAt", finished_at as "finishedAt",
            place ->> 'image' as image, report
     from attempts where run_id = $1 order by task, number`,
    [run.id],
  );
  const waits = await waitsOfTasks(pool, run.id);
  const byTask = Map.groupBy(attempts.rows, (attempt) => attempt.task);
  const { message, version, source, revision, file, variables, lateAt } = run;
  return {
    ...summary(run),
    message,
    waitsFor:
      run.phase === 'Queued' ? ((await upstreamOfRun(pool, run.id)) ?? (await waitOfRun(pool, run.id, limits))) : null,
    version,
    source,
    revision,
    file,
    variables,
    lateAt: isoOrNull(lateAt),
    tasks: tasks.rows.map((task) => ({
      ...task,
      waitsFor: waits.get(task.name) ?? null,
      attempts: (byTask.get(task.name) ?? []).map(attemptDetail),
    })),
  };
}

function attemptDetail({ task: _, launchedAt, finishedAt, ...attempt }: AttemptRow): AttemptDetail {
  return { ...attempt, startedAt: isoOrNull(launchedAt), finishedAt: isoOrNull(finishedAt) };
}
