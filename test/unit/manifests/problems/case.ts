import type { ProblemCode } from '../../../../schemas/problem-codes.ts';
import { load, pipeline } from '../sources.ts';

/** Every text is a file; `«` marks where the problem is to be shown. */
export type Case = readonly [code: ProblemCode, message: string, ...texts: string[]];

export const scheduled = '  schedule: { every: month, startAt: 2019-01-01 }\n';
export const spec = (blocks: string, more = '') => pipeline('p', `${more}  blocks:\n${load}${blocks}`);
export const exporting = (write: string, more = scheduled) =>
  spec(
    `    - name: out\n      from: [one]\n      export: { postgres: { connection: warehouse, table: t, write: ${write} } }\n`,
    more,
  );
export const csv = 'format: { csv: {} }';
