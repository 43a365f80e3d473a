import { pino } from 'pino';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool } from '../../controller/store/pool.ts';
import type { CalendarSpec, Phase, Reason } from '../../schemas/generated/types.ts';
import { createTestDatabase } from './postgres.ts';

const log = pino({ level: 'silent' });
const settled: readonly Phase[] = ['Succeeded', 'Failed', 'Cancelled', 'Skipped'];

type RunOptions = {
  name?: string;
  phase?: Phase;
  reason?: Reason;
  message?: string;
  runNo?: number;
  trigger?: 'schedule' | 'manual' | 'rerun';
  window?: { start: string; end: string; label: string };
  variables?: Record<string, unknown>;
};

/** A migrated store in a real Postgres, filled with rows by hand: history without the steps that make it. */
export async function createHistory() {
  const database = await createTestDatabase();
  await migrate({ url: database.url, log });
  const pool = createPool({ url: database.url, log });
  const one = async (sql: string, values: unknown[]) => (await pool.query(sql, values)).rows[0];
  const source = await one(
    `insert into sources (name, kind, location) values ('default', 'folder', 'pipelines') returning id`,
    [],
  );
  const revision = await one(`insert into revisions (source_id, name) values ($1, 'abc123') returning id`, [source.id]);
  await pool.query(`insert into bundles (digest, content) values ('b', '')`);

  async function pipeline(
    name: string,
    calendar: CalendarSpec | null = { every: { unit: 'month', count: 1 }, timeZone: 'UTC' },
  ) {
    const { id } = await one('insert into pipelines (name, source_id, file) values ($1, $2, $3) returning id', [
      name,
      source.id,
      `${name}.yaml`,
    ]);
    const version = await one(
      `insert into versions (pipeline_id, digest, bundle_digest, revision_id, max_active_runs, details)
       values ($1, $2, 'b', $3, 1, '{"timeZone": "UTC", "variables": {}}') returning id`,
      [id, `digest of ${name}`, revision.id],
    );
    const spec = JSON.stringify(calendar);
    const added =
      calendar &&
      (await one(
        `insert into calendars (pipeline_id, number, spec, begins_at) values ($1, 1, $2, '-infinity') returning id`,
        [id, spec],
      ));
    await pool.query('update pipelines set version_id = $2, calendar_id = $3 where id = $1', [
      id,
      version.id,
      added?.id ?? null,
    ]);
    return {
      id: id as number,
      name,
      versionId: version.id as number,
      calendarId: (added?.id ?? null) as number | null,
    };
  }
  type Pipeline = Awaited<ReturnType<typeof pipeline>>;

  async function run(of: Pipeline, options: RunOptions = {}) {
    const given = { phase: 'Succeeded' as Phase, runNo: 1, trigger: 'schedule', variables: {}, ...options };
    const name = options.name ?? runName(of.name, given);
    const row = {
      name,
      pipeline_id: of.id,
      version_id: of.versionId,
      ...(given.window && {
        calendar_id: of.calendarId,
        window_start: given.window.start,
        window_end: given.window.end,
        window_label: given.window.label,
      }),
      run_no: given.runNo,
      trigger: given.trigger,
      phase: given.phase,
      reason: given.reason,
      message: given.message,
      variables: given.variables,
      started_at: new Date(),
      finished_at: settled.includes(given.phase) ? new Date() : null,
    };
    const columns = Object.keys(row).join(', ');
    const places = Object.keys(row)
      .map((_, i) => `$${i + 1}`)
      .join(', ');
    const { id } = await one(`insert into runs (${columns}) values (${places}) returning id`, Object.values(row));
    return { id: id as number, name, phase: given.phase, reason: given.reason ?? null, runNo: given.runNo };
  }

  /** A window that shows a run, or, without one, `Missing`. */
  async function window(
    of: Pipeline,
    at: { start: string; end: string; label: string },
    shown?: Awaited<ReturnType<typeof run>>,
  ) {
    const live = shown && !settled.includes(shown.phase) ? shown.id : null;
    await pool.query(
      `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase, reason, last_run_no, last_run_id, live_run_id)
       values ($1, $2, $3, $4, $5, $4, $6, $7, $8, $9, $10)`,
      [
        of.id,
        of.calendarId,
        at.start,
        at.end,
        at.label,
        shown?.phase ?? 'Missing',
        shown?.reason ?? null,
        shown?.runNo ?? 0,
        shown?.id ?? null,
        live,
      ],
    );
  }

  return {
    pool,
    pipeline,
    run,
    window,
    async close(): Promise<void> {
      await pool.end();
      await database.drop();
    },
  };
}

export type History = Awaited<ReturnType<typeof createHistory>>;

function runName(pipeline: string, { window, runNo }: { window?: { label: string }; runNo: number }): string {
  if (!window) return `${pipeline}-m1`;
  return runNo > 1 ? `${pipeline}-${window.label}-${runNo}` : `${pipeline}-${window.label}`;
}
