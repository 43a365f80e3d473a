import { backfill, load, pipeline } from '../sources.ts';
import { type Case, scheduled } from './case.ts';

const monthly = pipeline('p', `${scheduled}  variables: { limit: { type: integer, default: 3 } }\n  blocks:\n${load}`);
const range = (fields: string) => backfill('reload', `  pipeline: p\n${fields}`);

/** What can be wrong with a Backfill. */
export const backfills: readonly Case[] = [
  [
    'unknown-pipeline',
    'backfill "reload": pipeline names "pp", and there is no such Pipeline in this source; did you mean "p"?',
    backfill('reload', '  pipeline: «pp\n  from: 2019-01-01\n  to: 2020-01-01\n'),
    monthly,
  ],
  [
    'window-needed',
    'backfill "reload": pipeline names "p", which has no schedule and so no windows to run; give it one, or name another Pipeline',
    backfill('reload', '  pipeline: «p\n  from: 2019-01-01\n  to: 2020-01-01\n'),
    pipeline('p', `  blocks:\n${load}`),
  ],
  [
    'bad-time',
    'backfill "reload": from is "2019-13", which is no date or time; write 2019, 2019-01, 2019-01-31 or 2019-01-31T06:00Z',
    range('  from: «2019-13\n  to: 2020-01-01\n'),
    monthly,
  ],
  [
    'bad-time',
    'backfill "reload": to is 2018-01-01, not after from (2019-01-01), so there is no window; swap them',
    range('  from: 2019-01-01\n  to: «2018-01-01\n'),
    monthly,
  ],
  [
    'bad-time',
    'backfill "reload": to is 2019-01-20, and no window of pipeline "p" begins at or after 2019-01-02 and ends by then; widen the range',
    range('  from: 2019-01-02\n  to: «2019-01-20\n'),
    monthly,
  ],
  [
    'bad-variable',
    'backfill "reload": variables do not fit pipeline "p": there is no variable "limt"; did you mean "limit"?',
    range('  from: 2019-01-01\n  to: 2020-01-01\n  variables: «{ limt: 5 }\n'),
    monthly,
  ],
  [
    'wrong-type',
    'backfill "reload": from is 2019, which is not text; write text, in quotes where YAML would read something else',
    range('  from: «2019\n  to: 2020-01-01\n'),
    monthly,
  ],
  [
    'bad-value',
    'backfill "reload": rerun is "al", which is not one of missing, failed, stale, all; did you mean "all"?',
    range('  from: 2019-01-01\n  to: 2020-01-01\n  rerun: «al\n'),
    monthly,
  ],
];
