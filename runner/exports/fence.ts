import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { TaskOrder } from '../../schemas/generated/types.ts';
import { TaskFailure } from '../errors.ts';
import { createFenceTable } from './fence-table.ts';
import { type TableName, tableName } from './names.ts';
import { inTransaction } from './transactions.ts';

/** What an earlier attempt of the same run has already written. */
export type Committed = { attempt: number; rows: number; bytes: number };

/**
 * The fence at the target: one row in `pipewright_writes` for each thing that only one export may write at a time. Runs and
 * attempts claim it in order; a lower claim never writes after a higher one.
 */
export type Fence = {
  /** Takes the claim in a short transaction of its own. Returns what this run has already committed, or null. Throws `Superseded`. */
  claim(client: pg.Client): Promise<Committed | null>;
  /**
   * Within the data transaction, just before its commit: locks the row and records the commit. Returns null when all is
   * well, or what another process has committed meanwhile for the same run; then this transaction must not commit.
   * Throws `Superseded`.
   */
  settle(client: pg.Client, result: { rows: number; bytes: number }): Promise<Committed | null>;
  /**
   * After a session was lost, on a new one: waits for what the lost one may still be doing. Returns what the run has
   * committed, or null when nothing. Throws `Superseded`, which is then why the session was lost.
   */
  afterLoss(client: pg.Client): Promise<Committed | null>;
};

type FenceOptions = {
  target: TableName;
  order: TaskOrder;
  block: string;
  log: (line: string) => void;
  signal: AbortSignal;
};

/**
 * The fence lies beside the table, in its schema: there the role may create a table, because it may create the target;
 * and whoever drops the schema drops with the data the memory of having written it.
 */
export function createFence({ target, order, block, log, signal }: FenceOptions): Fence {
  const fence = tableName(target.schema, 'pipewright_writes');
  const token = randomUUID();
  const key = [order.ledgerId, order.pipeline, block, `${target.schema}.${target.name}`, sliceOf(order)];
  const keyAndClaim = [...key, order.run.runNo, order.run.id, order.attempt];

  async function read(client: pg.Client, lock = ''): Promise<Committed | null> {
    const { rows } = await client.query<FenceRow>(`${selectRow(fence)} ${lock}`, keyAndClaim);
    const [row] = rows;
    if (row?.higher) {
      throw new TaskFailure(
        'Superseded',
        `${target.quoted}: run number ${row.run_no}, attempt ${row.attempt} has claimed it; nothing was written here`,
      );
    }
    return row?.committed ? { attempt: row.committed_attempt, rows: Number(row.rows), bytes: Number(row.bytes) } : null;
  }

  /** Why a guarded statement found no row to write: throws `Superseded`, or says what the run has already committed. */
  async function refusal(client: pg.Client): Promise<Committed> {
    const committed = await read(client);
    if (committed) return committed;
    throw new TaskFailure(
      'Superseded',
      `${target.quoted}: another process has claimed the same attempt; nothing was written here`,
    );
  }

  return {
    async claim(client) {
      await createFenceTable(client, fence);
      const committed = await read(client);
      if (committed) return committed;
      await endPredecessors({ client, living: livingPredecessors(fence), values: keyAndClaim, log, signal });
      const taken = await inTransaction(client, async () => {
        await client.query(`set local lock_timeout = '10s'`);
        return client.query(takeClaim(fence), [...keyAndClaim, order.run.name, token]);
      });
      return taken.rowCount === 1 ? null : refusal(client);
    },
    async settle(client, { rows, bytes }) {
      const { rowCount } = await client.query(settleClaim(fence), [...key, rows, bytes, token]);
      return rowCount === 1 ? null : refusal(client);
    },
    afterLoss: (client) =>
      inTransaction(client, async () => {
        await client.query(`set local lock_timeout = '10s'`);
        return read(client, 'for update');
      }),
  };
}

type FenceRow = {
  run_no: number;
  attempt: number;
  higher: boolean;
  committed: boolean;
  committed_attempt: number;
  rows: string;
  bytes: string;
};

/** A window by both its ends: another calendar may have one that begins at the same time. */
function sliceOf({ window, run }: TaskOrder): string {
  return window ? `${new Date(window.start).toISOString()}/${new Date(window.end).toISOString()}` : `run ${run.id}`;
}

const isKey = '(f.ledger_id, f.pipeline, f.block, f.target, f.slice) = ($1, $2, $3, $4, $5)';
const claimed = '(f.run_no, f.run_id, f.attempt)';
const ours = '($6::integer, $7::bigint, $8::integer)';

function selectRow(fence: TableName): string {
  return `select run_no, attempt, ${claimed} > ${ours} as higher, coalesce(committed_run_id = $7, false) as committed,
                 committed_attempt, rows, bytes
          from ${fence.quoted} f where ${isKey}`;
}

/** An equal claim is taken again: an attempt may have several processes one after the other. The token tells them apart. */
function takeClaim(fence: TableName): string {
  return `insert into ${fence.quoted} as f
            (ledger_id, pipeline, block, target, slice, run_no, run_id, attempt, run_name, token, backend_pid, backend_start)
          select $1, $2, $3, $4, $5, $6::integer, $7::bigint, $8::integer, $9, $10::uuid, pid, backend_start
          from pg_stat_activity where pid = pg_backend_pid()
          on conflict (ledger_id, pipeline, block, target, slice) do update
            set run_no = excluded.run_no, run_id = excluded.run_id, attempt = excluded.attempt, run_name = excluded.run_name,
                token = excluded.token, backend_pid = excluded.backend_pid, backend_start = excluded.backend_start,
                claimed_at = now()
            where ${claimed} <= ${ours} and f.committed_run_id is distinct from excluded.run_id`;
}

function settleClaim(fence: TableName): string {
  return `update ${fence.quoted} f
          set committed_run_id = run_id, committed_attempt = attempt, committed_at = now(), rows = $6, bytes = $7
          where ${isKey} and token = $8 and committed_run_id is distinct from run_id`;
}

function livingPredecessors(fence: TableName): string {
  return `select a.pid from ${fence.quoted} f
          join pg_stat_activity a on a.pid = f.backend_pid and a.backend_start = f.backend_start
          where ${isKey} and ${claimed} <= ${ours} and a.pid <> pg_backend_pid() and a.application_name like 'pipewright %'`;
}

type EndOptions = Pick<FenceOptions, 'log' | 'signal'> & { client: pg.Client; living: string; values: unknown[] };

/**
 * Ends the session of the claimant before us if it still lives, and waits until it is gone. Its process may be frozen in an
 * open transaction, and would hold its locks for as long; whatever it is doing, it may not commit any more. A session of
 * another role cannot be seen or ended: then our own statements wait for it.
 */
async function endPredecessors({ client, living, values, log, signal }: EndOptions): Promise<void> {
  for (let looks = 0; looks < 400; looks++) {
    const { rows } = await client.query<{ pid: number }>(living, values);
    const pid = rows[0]?.pid;
    if (pid === undefined) return;
    if (looks === 0) {
      log(`an earlier attempt still has a session at the target (process ${pid} of the server): ending it`);
      await client.query('select pg_terminate_backend($1)', [pid]);
    }
    await pause(25, undefined, { signal });
  }
}
