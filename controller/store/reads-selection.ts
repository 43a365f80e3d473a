import type pg from 'pg';
import type { Phase, RunSelection } from '../../schemas/generated/types.ts';
import { cutPage } from './reads-page.ts';
import { type SummaryRow, summary, summaryColumns } from './reads-runs.ts';

const most = 1000;

/** Which runs: queued since then, of pipelines of that name (`*` is any text), ended or going on as said. */
export type RunSelector = {
  readonly since?: Date | undefined;
  readonly pipeline?: string | undefined;
  readonly reason?: string | undefined;
  readonly phases: readonly Phase[];
};

/**
 * Oldest first, at most 1000. A run counts only while nothing came after it: of a window its newest run, and of one without window
 * one that nobody has run again. So windows that have succeeded since are left out.
 */
export async function readSelection(pool: pg.Pool, selector: RunSelector): Promise<RunSelection> {
  const { since, pipeline, reason, phases } = selector;
  const values: unknown[] = [];
  const bound = (value: unknown) => `$${values.push(value)}`;
  const conditions = [
    `case when r.window_start is null then not exists (select from runs n where n.rerun_of = r.id) else w.last_run_id = r.id end`,
    ...(since === undefined ? [] : [`r.id >= time_id(${bound(since)}::timestamptz)`]),
    ...(pipeline === undefined ? [] : [`p.name like ${bound(pattern(pipeline))}`]),
    ...(reason === undefined ? [] : [`r.reason = ${bound(reason)}`]),
  ];
  // One by one, since each has an index of its own.
  const inPhases = phases.map((phase) => `select * from runs where phase = ${bound(phase)}`).join(' union all ');
  const { rows } = await pool.query<SummaryRow>(
    `select ${summaryColumns} from (${inPhases}) r join pipelines p on p.id = r.pipeline_id
       left join windows w on w.pipeline_id = r.pipeline_id and w.calendar_id = r.calendar_id and w.start_at = r.window_start
     where ${conditions.join(' and ')} order by r.id limit ${most + 1}`,
    values,
  );
  const { page, more } = cutPage(rows, most);
  return { runs: page.map(summary), more };
}

function pattern(name: string): string {
  return name.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}
