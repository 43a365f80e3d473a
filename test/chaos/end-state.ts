import { expect } from 'vitest';
import { runners, type TestController } from '../support/controller-process.ts';

/** What must hold after any chaos: one succeeded run per window, nothing live, no process and no claim left over. */
export async function expectSettled(controller: TestController, windows: number): Promise<void> {
  const { rows: ledger } = await controller.ledger.query(
    `select w.label, w.phase, w.live_run_id as live,
            (select count(*)::int from runs r where r.pipeline_id = w.pipeline_id and r.window_start = w.start_at and r.phase = 'Succeeded') as succeeded,
            (select count(*)::int from runs r where r.pipeline_id = w.pipeline_id and r.window_start = w.start_at) as runs
     from windows w order by w.start_at`,
  );
  expect(ledger).toHaveLength(windows);
  for (const window of ledger) expect(window).toMatchObject({ phase: 'Succeeded', live: null, succeeded: 1, runs: 1 });
  const { rows: live } = await controller.ledger.query(
    `select 'attempt' as what from attempts where phase in ('Claimed', 'Running')
     union all select 'task' from tasks where phase not in ('Succeeded', 'Skipped')
     union all select 'twice' from attempts where phase = 'Succeeded' group by run_id, task having count(*) > 1`,
  );
  expect(live).toEqual([]);
  // One that has just reported is seen to be over a moment before it stands aside.
  await expect.poll(() => runners(controller.home)).toEqual([]);
}

export async function succeededRuns(controller: TestController): Promise<number> {
  const { rows } = await controller.ledger.query(`select count(*)::int as n from runs where phase = 'Succeeded'`);
  return rows[0].n;
}
