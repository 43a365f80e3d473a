import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { Check, CheckResult, CompiledBlock } from '../../schemas/generated/types.ts';
import { withoutTerminator } from '../engine/sql-text.ts';
import { type Fragment, type Statement, statement } from '../engine/statement.ts';
import { quoteIdentifier } from '../engine/text.ts';
import { TaskFailure } from '../errors.ts';
import { countText } from '../progress.ts';

type Checked = Pick<CompiledBlock, 'name' | 'from' | 'checks' | 'origin'>;

function nameOf({ name, expect, sql }: Check): string {
  return name ?? expect ?? sql ?? '';
}

function expectChecks({ checks }: Checked): Check[] {
  return checks.filter(({ expect }) => expect !== undefined);
}

/** A check's own text as a part of a statement; its place is the block's, since manifests keep no finer one. */
function fragmentOf({ name, origin }: Checked, check: Check): Fragment {
  return {
    sql: withoutTerminator(check.expect ?? check.sql ?? ''),
    parameters: [],
    where: `block "${name}": check "${nameOf(check)}"`,
    block: name,
    locate: () => origin,
  };
}

/** A boolean that is true where the row fails: where the expectation is false, and where it is null. */
function failedMark(block: Checked, check: Check): Statement {
  return statement('((', fragmentOf(block, check), ') is distinct from true)');
}

/** A query over `reads` with one row: how many rows fail the check. */
export function checkSelect(block: Checked, check: Check): { select: Statement; reads: readonly string[] } {
  if (check.sql !== undefined) {
    const select = statement('select count(*) from (', fragmentOf(block, check), ')');
    return { select, reads: [...block.from, block.name] };
  }
  const from = ` from ${quoteIdentifier(block.name)}`;
  // The mark stands in a query of its own: else an aggregate in it would be taken for one over all rows.
  const select = statement(
    'select count(*) filter (where failed) from (select ',
    failedMark(block, check),
    ' as failed',
    from,
    ')',
  );
  return { select, reads: [block.name] };
}

/** The rows of a block, behind whose columns stand the marks of all `expect` checks. */
export function markedSelect(block: Checked): Statement {
  const marks = expectChecks(block).flatMap((check, index) => [
    ', ',
    failedMark(block, check),
    ` as "failed check ${index}"`,
  ]);
  return statement('select *', ...marks, ` from ${quoteIdentifier(block.name)}`);
}

/** Counts the rows that fail, while they pass by: the marks are the columns of a chunk from `first` on. */
export type FailureCounter = { observe(chunk: DuckDBDataChunk): void; results(): CheckResult[] };

export function createFailureCounter(block: Checked, first: number): FailureCounter {
  const checks = expectChecks(block);
  const failed = checks.map(() => 0);
  return {
    observe(chunk) {
      for (const index of checks.keys()) {
        const marks = chunk.getColumnVector(first + index);
        let count = 0;
        for (let row = 0; row < marks.itemCount; row++) if (marks.getItem(row) === true) count++;
        failed[index] = (failed[index] ?? 0) + count;
      }
    },
    results: () => checks.map((check, index) => checkResult(check, failed[index] ?? 0)),
  };
}

export function checkResult(check: Check, failedRows: number): CheckResult {
  return { name: nameOf(check), severity: check.severity ?? 'error', failedRows, passed: failedRows === 0 };
}

/** Throws `CheckFailed` when a check of severity `error` failed. `rows`: how many there were, where that is known. */
export function requirePassed({ name, origin }: Checked, results: readonly CheckResult[], rows: number | null): void {
  const failed = results.filter(({ severity, passed }) => severity === 'error' && !passed);
  if (failed.length === 0) return;
  const facts = failed.map((result) => `check "${result.name}" failed for ${rowsText(result.failedRows, rows)}`);
  const wayOut = 'what reads it was not written; mend the rows, or give the check severity: warn';
  throw new TaskFailure('CheckFailed', `block "${name}": ${facts.join(', ')}; ${wayOut}`, { block: name, ...origin });
}

function rowsText(failed: number, rows: number | null): string {
  if (rows === null) return `${countText(failed)} row${failed === 1 ? '' : 's'}`;
  return `${countText(failed)} of ${countText(rows)} rows`;
}
