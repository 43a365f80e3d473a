import type { BlockReport, TaskReport } from '../../schemas/generated/types.ts';

/** Shortens a report step by step until it fits: what is only there for people goes first, how it ended stays. */
export function fitReport(report: TaskReport, fits: (report: TaskReport) => boolean): TaskReport {
  let fitting = report;
  for (const shorten of shortenings) {
    if (fits(fitting)) break;
    fitting = shorten(fitting);
  }
  return fitting;
}

type Shorten = (report: TaskReport) => TaskReport;

const shortenings: readonly Shorten[] = [
  withCells(40),
  withRows(1),
  (report) => ({ ...report, sample: null }),
  withMessage(1000),
  withBlocks((block) => ({ ...block, checks: block.checks.filter(({ passed }) => !passed) })),
  withBlocks(({ note: _note, ...block }) => ({ ...block, checks: [] })),
  (report) => ({ ...report, blocks: report.blocks.filter(({ rows }) => rows !== null) }),
  (report) => ({ ...report, blocks: [] }),
  // No character takes more than six bytes in JSON.
  withMessage(200),
  ({ error, ...report }) => ({ ...report, ...(error && { error: { message: error.message } }) }),
];

function withCells(length: number): Shorten {
  const cell = (text: string | null) => text && cut(text, length);
  return (report) => ({
    ...report,
    sample: report.sample && {
      ...report.sample,
      columns: report.sample.columns.map(({ name, type }) => ({ name, type: cut(type, length) })),
      rows: report.sample.rows.map((row) => row.map(cell)),
    },
  });
}

function withRows(count: number): Shorten {
  return (report) => ({
    ...report,
    sample: report.sample && { ...report.sample, rows: report.sample.rows.slice(0, count) },
  });
}

function withMessage(length: number): Shorten {
  return (report) =>
    report.error ? { ...report, error: { ...report.error, message: cut(report.error.message, length) } } : report;
}

function withBlocks(shorten: (block: BlockReport) => BlockReport): Shorten {
  return (report) => ({ ...report, blocks: report.blocks.map(shorten) });
}

/** The beginning of a text; a character that is two code units is not left as half. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}
