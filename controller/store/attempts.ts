import type pg from 'pg';
import type { Reason, TaskReport } from '../../schemas/generated/types.ts';
import { toJsonb } from './json.ts';
import { type AttemptKey, beginAttempts, takeReady } from './ready.ts';
import type { VersionDetails } from './versions.ts';

/** Why attempts are stopped and runs end early. */
export type Ending = 'CancelledByRequest' | 'PipelineRetired' | 'Replaced' | 'TimedOut';

/** An attempt with all that an order is made of. */
export type ClaimedAttempt = {
  readonly runId: number;
  readonly task: string;
  readonly number: number;
  readonly claimedUntil: Date;
  readonly timeoutMs: number | null;
  readonly runName: string;
  readonly runNo: number;
  readonly trigger: string;
  readonly pipeline: string;
  readonly variables: Record<string, string | number | boolean | null>;
  readonly windowStart: Date | null;
  readonly windowEnd: Date | null;
  readonly windowLabel: string | null;
  readonly calendar: unknown;
  readonly bundleDigest: string;
  readonly details: VersionDetails;
  /** What containers upstream of it have put out, by task; null where there are none. */
  readonly outputs: Record<string, NonNullable<TaskReport['outputs']>> | null;
  /** Blocks of tasks that a rerun took over, with the run that executed them; null where there are none. */
  readonly taken: Record<string, number> | null;
  readonly ledgerId: string;
  /** Whether its manifest lies in a folder, and not in a repository. */
  readonly fromFolder: boolean;
};

/**
 * Claims work: attempts whose claim expired (a controller died between the claim and its settling) and, as far as slots are
 * free, new attempts of ready tasks, `atMost` together. Slots are counted from live rows. Every claim is for `claimMs`; one that
 * would stand for far longer is of a time before the clock was set back.
 */
export async function claimAttempts(
  db: pg.ClientBase,
  { capacity, claimMs, atMost }: { capacity: number; claimMs: number; atMost: number },
): Promise<ClaimedAttempt[]> {
  await db.query(`select pg_advisory_xact_lock(hashtext('pipewright.launch'))`);
  const { rows: expired } = await db.query(
    `select a.run_id, a.task, a.number from attempts a join runs r on r.id = a.run_id
     where a.phase = 'Claimed' and (a.claimed_until < now() or a.claimed_until > now() + 2 * $2 * interval '1 ms')
     order by a.run_id limit $1 for update of r, a skip locked`,
    [atMost, claimMs],
  );
  const fresh = await takeReady(db, { capacity, atMost: atMost - expired.length });
  await beginAttempts(db, fresh);
  return claim(db, [...expired, ...fresh], claimMs);
}

async function claim(db: pg.ClientBase, keys: readonly AttemptKey[], claimMs: number): Promise<ClaimedAttempt[]> {
  if (keys.length === 0) return [];
  const { rows } = await db.query(
    `with k as (select * from jsonb_to_recordset($1) as k(run_id bigint, task text, number int)),
     claimed as (
       update attempts a set claimed_until = date_trunc('milliseconds', now() + $2 * interval '1 ms') from k
       where a.run_id = k.run_id and a.task = k.task and a.number = k.number and a.phase = 'Claimed' returning a.*
     )
     select a.run_id as "runId", a.task, a.number, a.claimed_until as "claimedUntil", a.timeout_ms as "timeoutMs",
            r.name as "runName", r.run_no as "runNo", r.trigger, p.name as pipeline, r.variables, r.window_start as "windowStart",
            r.window_end as "windowEnd", r.window_label as "windowLabel", c.spec as calendar,
            v.bundle_digest as "bundleDigest", v.details, l.id as "ledgerId", s.kind = 'folder' as "fromFolder",
            (with recursive upstream(name) as (
               select unnest(needs) from tasks where run_id = a.run_id and name = a.task
               union select unnest(t.needs) from tasks t join upstream u on t.name = u.name where t.run_id = a.run_id
             ) select json_object_agg(o.task, o.report->'outputs') from attempts o join upstream u on u.name = o.task
               where o.run_id = a.run_id and o.phase = 'Succeeded' and o.report ? 'outputs') as outputs,
            (select json_object_agg(block, t.taken_from) from tasks t, unnest(t.blocks) as block
             where t.run_id = a.run_id and t.taken_from is not null) as taken
     from claimed a join runs r on r.id = a.run_id join pipelines p on p.id = r.pipeline_id join versions v on v.id = r.version_id
       join sources s on s.id = p.source_id left join calendars c on c.id = r.calendar_id cross join ledger l
     order by a.run_id`,
    [JSON.stringify(keys), claimMs],
  );
  return rows;
}

/** The second transaction of launches, guarded by their claims: returns those whose claim nobody has taken meanwhile. */
export async function markLaunched<T extends ClaimedAttempt>(db: pg.Pool, attempts: readonly T[]): Promise<T[]> {
  const keys = attempts.map(({ runId, task, number, claimedUntil }) => ({ runId, task, number, claimedUntil }));
  const { rows } = await db.query(
    `with held as (
       select a.run_id, a.task, a.number from attempts a
         join jsonb_to_recordset($1) as k("runId" bigint, task text, number int, "claimedUntil" timestamptz)
           on a.run_id = k."runId" and a.task = k.task and a.number = k.number and a.claimed_until = k."claimedUntil"
       where a.phase = 'Claimed' order by a.run_id, a.task for update of a
     )
     update attempts a set phase = 'Running', launched_at = now(), claimed_until = null from held h
     where a.run_id = h.run_id and a.task = h.task and a.number = h.number returning a.run_id as "runId", a.task`,
    [JSON.stringify(keys)],
  );
  return attempts.filter(({ runId, task }) => rows.some((row) => row.runId === runId && row.task === task));
}

/** Takes a claim that still stands for another `claimMs` from now; null when another has taken it meanwhile. */
export async function renewClaim(
  db: pg.Pool,
  attempt: ClaimedAttempt,
  claimMs: number,
): Promise<ClaimedAttempt | null> {
  const { rows } = await db.query(
    `update attempts set claimed_until = date_trunc('milliseconds', now() + $5 * interval '1 ms')
     where run_id = $1 and task = $2 and number = $3 and phase = 'Claimed' and claimed_until = $4 returning claimed_until as "claimedUntil"`,
    [attempt.runId, attempt.task, attempt.number, attempt.claimedUntil, claimMs],
  );
  return rows.length === 0 ? null : { ...attempt, claimedUntil: rows[0].claimedUntil };
}

/** Whether a claim still stands, with the run locked (first, as everywhere) for the rest of the transaction. */
export async function holdsClaim(db: pg.ClientBase, attempt: ClaimedAttempt): Promise<boolean> {
  await db.query('select from runs where id = $1 for update', [attempt.runId]);
  const { rows } = await db.query(
    `select from attempts where run_id = $1 and task = $2 and number = $3 and phase = 'Claimed' and claimed_until = $4`,
    [attempt.runId, attempt.task, attempt.number, attempt.claimedUntil],
  );
  return rows.length === 1;
}

/** For a controller's start: a claim that stands then is that of a controller that is no more, and need not run out. */
export async function expireClaims(pool: pg.Pool): Promise<void> {
  await pool.query(`update attempts set claimed_until = '-infinity' where phase = 'Claimed'`);
}

/** Attempts that may have a process: claimed or launched, and not settled. */
export async function readUnsettled(pool: pg.Pool): Promise<{ runId: number; task: string; number: number }[]> {
  const { rows } = await pool.query(
    `select run_id as "runId", task, number from attempts where phase in ('Claimed', 'Running')`,
  );
  return rows;
}

export type LiveAttempt = {
  readonly runId: number;
  readonly runName: string;
  readonly task: string;
  readonly number: number;
  readonly stopReason: Ending | null;
};

const liveAttempts = `select a.run_id as "runId", r.name as "runName", a.task, a.number, a.stop_reason as "stopReason"
  from attempts a join runs r on r.id = a.run_id where a.phase = 'Running'`;

/** Attempts that were launched and have not settled. */
export async function readLive(pool: pg.Pool): Promise<LiveAttempt[]> {
  return (await pool.query(`${liveAttempts} order by a.run_id`)).rows;
}

/** Those of them that are to be told to end. */
export async function readStopping(pool: pg.Pool): Promise<LiveAttempt[]> {
  return (await pool.query(`${liveAttempts} and a.stop_reason is not null order by a.run_id`)).rows;
}

export type SeenPlace = {
  readonly runId: number;
  readonly task: string;
  readonly number: number;
  readonly place: object;
};

/** Keeps where attempts are, where that is news. */
export async function savePlaces(pool: pg.Pool, seen: readonly SeenPlace[]): Promise<void> {
  if (seen.length === 0) return;
  await pool.query(
    `update attempts a set place = s.place
     from jsonb_to_recordset($1) as s("runId" bigint, task text, number int, place jsonb)
     where a.run_id = s."runId" and a.task = s.task and a.number = s.number and a.place is distinct from s.place`,
    [JSON.stringify(seen)],
  );
}

/** Marks attempts that overran their timeout by more than `graceMs`: the runner should have ended them itself. */
export async function markOverdue(pool: pg.Pool, graceMs: number): Promise<number> {
  const { rowCount } = await pool.query(
    `update attempts set stop_reason = 'TimedOut', stop_requested_at = now()
     where phase = 'Running' and stop_reason is null and launched_at + (timeout_ms + $1) * interval '1 ms' <= now()`,
    [graceMs],
  );
  return rowCount ?? 0;
}

export async function requestStops(
  db: pg.ClientBase,
  stops: readonly { runId: number; task: string; reason: Ending }[],
): Promise<void> {
  if (stops.length === 0) return;
  await db.query(
    `update attempts a set stop_reason = s.reason, stop_requested_at = now()
     from jsonb_to_recordset($1) as s("runId" bigint, task text, reason text)
     where a.run_id = s."runId" and a.task = s.task and a.phase in ('Claimed', 'Running') and a.stop_reason is null`,
    [JSON.stringify(stops)],
  );
}

export type Outcome = {
  readonly runId: number;
  readonly task: string;
  readonly number: number;
  readonly phase: 'Succeeded' | 'Failed' | 'Lost' | 'Cancelled';
  readonly reason: Reason | null;
  readonly message: string | null;
  readonly report: TaskReport | null;
};

/**
 * Settles attempts and gives their runs news. Runs are locked first, as everywhere, so that no two steps can deadlock. A report that
 * came after its attempt was looked at stands: such an attempt is not settled as if it had none, and the next look finds it.
 * Returns whether slots of pools are free by that.
 */
export async function settleAttempts(db: pg.ClientBase, outcomes: readonly Outcome[]): Promise<boolean> {
  const runIds = [...new Set(outcomes.map((outcome) => outcome.runId))].sort((a, b) => a - b);
  await db.query('select id from runs where id = any($1) order by id for update', [runIds]);
  const { rows } = await db.query(
    `with o as (
       select * from jsonb_to_recordset($1) as o("runId" bigint, task text, number int, phase text, reason text, message text, report jsonb)
     ), settled as (
       update attempts a set phase = o.phase, reason = o.reason, message = o.message, report = o.report, finished_at = now(), claimed_until = null
       from o where a.run_id = o."runId" and a.task = o.task and a.number = o.number and a.phase in ('Claimed', 'Running')
         and (o.report is not null or a.report is null)
       returning a.run_id, a.pool_id
     ), told as (
       update runs set news = true where id in (select run_id from settled)
     )
     select exists (select from settled where pool_id is not null) as freed`,
    [toJsonb(outcomes)],
  );
  return rows[0].freed;
}

/** How long until a ready task that waits for its retry may begin: ms, or null when none waits. */
export async function msUntilReady(pool: pg.Pool): Promise<number | null> {
  const { rows } = await pool.query(
    `select ceil(extract(epoch from min(not_before) - now()) * 1000)::float8 as ms from tasks where phase = 'Ready' and not_before > now()`,
  );
  return rows[0].ms === null ? null : Math.max(0, rows[0].ms);
}

/** The attempts of the newest run of that name in the order they were made; null when there is no such run. */
export async function attemptsOfRun(
  pool: pg.Pool,
  run: string,
): Promise<{ runId: number; settled: boolean; attempts: { task: string; number: number }[] } | null> {
  const { rows } = await pool.query(
    `select r.id as "runId", r.finished_at is not null as settled,
            coalesce((select json_agg(json_build_object('task', a.task, 'number', a.number) order by a.created_at, a.task)
                      from attempts a join tasks t on t.run_id = a.run_id and t.name = a.task
                      where a.run_id = r.id and t.taken_from is null), '[]') as attempts
     from runs r where r.name = $1 order by r.id desc limit 1`,
    [run],
  );
  return rows[0] ?? null;
}
