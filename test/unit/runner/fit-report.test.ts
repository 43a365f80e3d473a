import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitReport } from '../../../runner/job/fit-report.ts';
import { smallReport } from '../../../runner/job/small-report.ts';
import contracts from '../../../schemas/generated/contracts.schema.json' with { type: 'json' };
import type { BlockReport, TaskReport } from '../../../schemas/generated/types.ts';
import { makeReport } from '../../support/report.ts';

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
const isReport = ajv.addSchema(contracts, 'contracts').compile({ $ref: 'contracts#/$defs/TaskReport' });

const check = { name: 'a > 0', severity: 'error' as const, failedRows: 0, passed: true };
const block: BlockReport = {
  name: 'a',
  kind: 'transform.sql',
  rows: null,
  bytes: null,
  durationMs: 1,
  checks: [check],
};

const reportOf = (more: Partial<TaskReport> = {}): TaskReport =>
  makeReport({ attemptId: '1.a.1', outcome: 'Failed', reason: 'TransformFailed', ...more });

const small = (report: TaskReport): TaskReport => JSON.parse(smallReport(report)).report;
const within = (bytes: number) => (report: TaskReport) => Buffer.byteLength(JSON.stringify(report)) <= bytes;

test('a small report is at most 4096 bytes and still a report, whatever is in it', () => {
  const text = fc.string({ unit: 'binary', maxLength: 5000, size: 'max' });
  const blocks = fc.array(fc.record({ note: text, checks: fc.nat(50), rows: fc.option(fc.nat()) }), { maxLength: 8 });
  fc.assert(
    fc.property(text, text, blocks, (message, file, found) => {
      const report = reportOf({
        error: { message, file, line: 1, column: 1 },
        blocks: found.map(({ note, checks, rows }) => ({ ...block, note, rows, checks: Array(checks).fill(check) })),
      });
      const json = smallReport(report);
      expect(Buffer.byteLength(json)).toBeLessThanOrEqual(4096);
      const { report: small } = JSON.parse(json);
      expect(isReport(small)).toBe(true);
      expect(small).toMatchObject({ attemptId: '1.a.1', outcome: 'Failed', reason: 'TransformFailed', partial: true });
    }),
    { numRuns: 30 },
  );
});

test('a small report has all but the sample where there is room', () => {
  const report = reportOf({ error: { message: 'no' }, blocks: [block], sample: { block: 'a', columns: [], rows: [] } });
  expect(small(report)).toEqual({ ...report, sample: null, partial: true });
});

test('checks that passed go before those that failed, and blocks that moved rows stay longest', () => {
  const failed = { ...check, failedRows: 3, passed: false };
  const many = { ...block, checks: [...Array(100).fill(check), failed] };
  expect(small(reportOf({ blocks: [many] })).blocks).toEqual([{ ...block, checks: [failed] }]);
  const load = { ...block, name: 'load', rows: 7, checks: [] };
  expect(small(reportOf({ blocks: [...Array(100).fill(block), load] })).blocks).toEqual([load]);
  expect(small(reportOf({ blocks: Array(100).fill(load) })).blocks).toEqual([]);
});

test('a sample of many long cells is cut, and its rows stay as long as they fit', () => {
  const columns = Array.from({ length: 500 }, (_, n) => ({ name: `c${n}`, type: `STRUCT(${'x'.repeat(999)})` }));
  const rows = Array.from({ length: 10 }, () => columns.map(() => '😀'.repeat(100)));
  const report = reportOf({ sample: { block: 'a', columns, rows } });
  const fitting = fitReport(report, within(1_000_000));
  expect(within(1_000_000)(fitting)).toBe(true);
  expect(fitting.sample?.rows).toHaveLength(10);
  expect(fitting.sample?.rows[0]?.[0]).toBe(`${'😀'.repeat(20)}…`);
  expect(fitReport(report, within(100_000)).sample?.rows).toHaveLength(1);
  expect(fitReport(report, within(10_000)).sample).toBeNull();
});
