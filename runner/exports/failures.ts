import pg from 'pg';
import type { Reason } from '../../schemas/generated/types.ts';
import { messageOf, TaskFailure } from '../errors.ts';

/** What the failed statement was about, for messages. */
export type Where = { table: string; user: string };

/** Turns what Postgres or its client threw into a failure that says what to do. */
export function exportFailure(error: unknown, where: Where): TaskFailure {
  if (error instanceof TaskFailure) return error;
  if (!(error instanceof pg.DatabaseError)) return plain('ExportFailed', where, messageOf(error), error);
  const code = error.code ?? '';
  const column = error.column ?? /, line \d+, column (.+?)(?:: |$)/m.exec(error.where ?? '')?.[1];
  const at = column === undefined ? '' : `column "${column}": `;
  if (code.startsWith('22')) return plain('InvalidInput', where, `${at}${error.message}${valueWayOut(code)}`, error);
  if (code.startsWith('23'))
    return plain(
      'SchemaMismatch',
      where,
      `${at}${error.message}${detailOf(error)}; change the rows or the constraint`,
      error,
    );
  if (code === '42501') return plain('ExportFailed', where, `${error.message}; grant it to "${where.user}"`, error);
  if (code === '55P03')
    return plain('ExportFailed', where, 'another session holds it locked; end that session, or try again later', error);
  return plain('ExportFailed', where, `${at}${error.message}${detailOf(error)} (${code})`, error);
}

/** Whether the session may have broken, so that what became of its transaction is not known here: the server said nothing of it. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return /^(57P0[1-5]|08)/.test(error.code ?? '');
  return !(error instanceof TaskFailure);
}

function plain(reason: Reason, { table }: Where, text: string, cause: unknown): TaskFailure {
  return new TaskFailure(reason, `table ${table}: ${text}`, {}, cause);
}

function valueWayOut(code: string): string {
  if (code === '22021') return "; Postgres holds no NUL in text, remove it in SQL: replace(column, chr(0), '')";
  if (code === '22003') return '; cast the column to a wider type, or widen the table’s';
  return '; change the value in SQL';
}

function detailOf(error: pg.DatabaseError): string {
  return error.detail ? ` (${error.detail})` : '';
}
