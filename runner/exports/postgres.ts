import type pg from 'pg';
import type { FailpointName } from '../../schemas/failpoints.ts';
import type { Export, TaskOrder } from '../../schemas/generated/types.ts';
import { destroy, type PostgresConnection } from '../connections/postgres.ts';
import type { Relation } from '../engine/relation.ts';
import { messageOf, TaskFailure } from '../errors.ts';
import { currentSchema } from './catalogue.ts';
import { exportFailure, isConnectionLoss } from './failures.ts';
import { type Committed, createFence, type Fence } from './fence.ts';
import { parseTable, type TableName } from './names.ts';
import { planWrite, type WritePlan } from './plan.ts';
import { prepareTarget, type Target } from './target.ts';
import { allowBulk, beginTransaction } from './transactions.ts';
import { copyRows, type Sent } from './write.ts';

export type PostgresExportOptions = {
  /** The block's `export.postgres`, its templates rendered. */
  spec: Export['postgres'];
  block: string;
  order: TaskOrder;
  relation: Relation;
  connection: PostgresConnection;
  /** The zone in which a `by` column without one is read. */
  timeZone: string;
  /** Called when all rows are written and before they are committed; what it throws undoes them. */
  beforeCommit: () => Promise<void>;
  signal: AbortSignal;
  log: (line: string) => void;
  progress?: (sent: Sent) => void;
  failpoint: (name: FailpointName) => void;
};

/** Rows and bytes as sent; `note` says what is remarkable, such as that nothing was left to do. */
export type PostgresExportResult = { rows: number; bytes: number; note?: string };

/**
 * Writes a relation into a table, all or nothing. Throws `TaskFailure`: `SchemaMismatch`, `OutsideWindow`, `InvalidInput`,
 * `Superseded`, `ConnectionFailed`, `ExportFailed`, or what the relation and `beforeCommit` throw; or the signal's reason.
 */
export async function exportPostgres(options: PostgresExportOptions): Promise<PostgresExportResult> {
  const { spec, order, block, connection, signal, log } = options;
  let fence: Fence | null = null;
  try {
    return await withSession(options, async (client) => {
      const table = parseTable(spec.table, await currentSchema(client));
      if (order.ledgerId !== '') fence = createFence({ target: table, order, block, log, signal });
      return exportInto(client, table, fence, options);
    });
  } catch (error) {
    signal.throwIfAborted();
    const committed = await committedAfterLoss(error, fence, options);
    if (committed) return committedBefore(committed, order);
    throw exportFailure(error, { table: spec.table, user: connection.user });
  }
}

/** A session that ends with `act`, or at once when the signal says so; an open transaction is then rolled back. */
async function withSession<T>(
  { connection, signal }: PostgresExportOptions,
  act: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connection.client();
  const cutOff = () => destroy(client);
  signal.addEventListener('abort', cutOff);
  try {
    const result = await act(client);
    await client.end();
    return result;
  } finally {
    signal.removeEventListener('abort', cutOff);
    cutOff();
  }
}

async function exportInto(
  client: pg.Client,
  table: TableName,
  fence: Fence | null,
  options: PostgresExportOptions,
): Promise<PostgresExportResult> {
  const { spec, order, relation, timeZone, failpoint } = options;
  const { columns } = relation;
  const plan = planWrite({ write: spec.write, columns, order, timeZone });
  failpoint('export.before-claim');
  const committed = fence ? await fence.claim(client) : null;
  failpoint('export.after-claim');
  if (committed) return committedBefore(committed, order);
  const { index, tag } = plan;
  const schemaChange = spec.schemaChange ?? 'error';
  const target = await prepareTarget(client, { table, columns, schemaChange, tag: tag?.name, index });
  return writeAll({ client, table, fence, plan, target }, options);
}

type Parts = { client: pg.Client; table: TableName; fence: Fence | null; plan: WritePlan; target: Target };

/** The data transaction. Where it returns or throws without a commit, the end of the session rolls it back. */
async function writeAll(parts: Parts, options: PostgresExportOptions): Promise<PostgresExportResult> {
  const { client, table, fence, plan, target } = parts;
  const { relation, order, failpoint, progress = () => {} } = options;
  const columns = relation.columns.map(({ name }) => name);
  const mode = plan.mode({ client, table, columns, log: options.log });
  await beginTransaction(client);
  await allowBulk(client);
  const into = await mode.before();
  const sent = await copyRows({ client, into, relation, target, plan, window: order.window, progress });
  await mode.after();
  await options.beforeCommit();
  const committed = fence ? await fence.settle(client, sent) : null;
  if (committed) return committedBefore(committed, order);
  // Killed or frozen here, nothing is written: the server rolls back, at the latest when the next attempt claims the
  // target and ends this session. Killed after the commit, the next attempt finds its run's mark and writes nothing.
  failpoint('export.before-commit');
  await client.query('commit');
  failpoint('export.after-commit');
  const dropped = plan.filter?.outside().rows ?? 0;
  return dropped === 0 ? sent : { ...sent, note: `${dropped} rows outside of the window were dropped` };
}

function committedBefore({ attempt, rows, bytes }: Committed, order: TaskOrder): PostgresExportResult {
  return attempt === order.attempt ? { rows, bytes } : { rows, bytes, note: `already committed by attempt ${attempt}` };
}

/** A session that broke may have committed all the same, or have been ended because a later attempt took over. */
async function committedAfterLoss(
  error: unknown,
  fence: Fence | null,
  options: PostgresExportOptions,
): Promise<Committed | null> {
  if (!fence || !isConnectionLoss(error)) return null;
  try {
    return await withSession(options, (client) => fence.afterLoss(client));
  } catch (second) {
    if (second instanceof TaskFailure && second.reason === 'Superseded') throw second;
    options.log(`whether the transaction was committed could not be learnt: ${messageOf(second)}`);
    return null;
  }
}
