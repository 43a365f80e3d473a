import type { BlockReport, CheckResult, TaskError, TaskReport } from '../../schemas/generated/types.ts';
import type { Terminal } from '../terminal.ts';
import { bytes, counted } from './amounts.ts';
import { table } from './table.ts';
import { duration } from './times.ts';

/** What the blocks of an attempt did, with their checks and the error, as indented lines. */
export function reportLines(report: TaskReport, terminal: Terminal): string[] {
  return [
    ...blockLines(report.blocks, terminal),
    ...(report.error ? errorLines(report.error, report.reason, terminal.colors) : []),
    ...(report.partial ? [terminal.colors.dim('the full report was lost; this is its small form')] : []),
  ];
}

function blockLines(blocks: readonly BlockReport[], terminal: Terminal): string[] {
  if (blocks.length === 0) return [];
  const rows = blocks.map(({ name, kind, rows, bytes: size, durationMs, note }) => [
    name,
    terminal.colors.dim(kind),
    rows === null ? '' : counted(rows, 'row'),
    size === null ? '' : bytes(size),
    durationMs === null ? '' : duration(durationMs),
    note ?? '',
  ]);
  const header = ['BLOCK', 'KIND', 'ROWS', 'BYTES', 'TOOK', 'NOTE'];
  const [head = '', ...lines] = table(header, rows, terminal).split('\n');
  return [head, ...lines.flatMap((line, i) => [line, ...checkLines(blocks[i]?.checks ?? [], terminal.colors)])];
}

function checkLines(checks: readonly CheckResult[], colors: Terminal['colors']): string[] {
  return checks.map(({ name, severity, passed, failedRows }) => {
    if (passed) return `  ${colors.green('✓')} ${name}`;
    const sign = severity === 'warn' ? colors.yellow('!') : colors.red('✗');
    return `  ${sign} ${name}: ${counted(failedRows, 'row')} failed${severity === 'warn' ? ' (warning)' : ''}`;
  });
}

export function errorLines(error: TaskError, reason: string | null, colors: Terminal['colors']): string[] {
  const place =
    error.file === undefined
      ? ''
      : [error.file, error.line, error.column].filter((part) => part !== undefined).join(':');
  const at = [error.block === undefined ? '' : `block "${error.block}"`, place].filter(Boolean).join(', ');
  return [`${colors.red(reason ?? 'Failed')}: ${error.message}`, ...(at === '' ? [] : [colors.dim(`  at ${at}`)])];
}
