import { block, connection, warehouse } from '../sources.ts';
import { type Case, csv, exporting, scheduled, spec } from './case.ts';

/** What can be wrong with a pipeline and its graph. */
export const pipelines: readonly Case[] = [
  [
    'duplicate-name',
    'pipeline "p" stands a second time in b.yaml; rename one of them or remove it',
    spec('').replace('name: p ', 'name: «p '),
    spec(''),
  ],
  [
    'duplicate-name',
    'pipeline "p": block "one": name is the name of block 1 already; choose another one',
    spec('    - name: «one\n      load: { inline: { rows: [{ n: 2 }] } }\n'),
  ],
  [
    'one-form',
    'pipeline "p": schedule has none of every, cron; write exactly one of them',
    spec('', '  «schedule: { timeZone: UTC }\n'),
  ],
  [
    'one-form',
    'pipeline "p": schedule.cron stands beside "every", and only one of every, cron can; remove the others',
    spec('', '  schedule: { every: day, «cron: 0 6 * * * }\n'),
  ],
  [
    'one-form',
    'pipeline "p": block "two" has none of load, transform, export, container, wait, use; write exactly one of them',
    spec('    - «name: two\n'),
  ],
  [
    'one-form',
    'pipeline "p": block "two": load.format is only for `http`; the other loads have typed columns already, remove it',
    spec(`    - name: two\n      load: { inline: { rows: [{ n: 1 }] }, «${csv} }\n`),
  ],
  [
    'one-form',
    'pipeline "p": block "one": checks[0] has none of expect, sql; write exactly one of them',
    `${spec('')}      checks: [«{ name: c }]\n`,
  ],
  [
    'one-form',
    'block "b" has none of load, transform, export, container; write exactly one of them',
    block('b', '  description: nothing\n').replace('spec:', '«spec:'),
  ],
  [
    'one-form',
    'connection "c" has none of postgres, http; write exactly one of them',
    connection('c', '  {}\n').replace('spec:\n  {}', '«spec: {}'),
  ],
  [
    'bad-every',
    'pipeline "p": schedule.every is "15m", which is not the length of a window; write a unit or a multiple, such as `month` or `15 minutes`',
    spec('', '  schedule: { every: «15m }\n'),
  ],
  [
    'bad-cron',
    'pipeline "p": schedule.cron has 4 fields; write five: minute, hour, day of month, month, day of week',
    spec('', '  schedule: { cron: «0 6 * * }\n'),
  ],
  [
    'bad-cron',
    'pipeline "p": schedule.cron[1] is "@often", which is no schedule; write one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly',
    spec('', '  schedule: { cron: ["@daily", «"@often"] }\n'),
  ],
  [
    'bad-cron',
    'pipeline "p": schedule.dst belongs to `cron`, and this schedule has none; remove it',
    spec('', '  schedule: { every: day, «dst: { gap: skip } }\n'),
  ],
  [
    'bad-time',
    'pipeline "p": schedule.blackoutDates[0] is "2026-02-30", which is no date; write it as 2026-12-25',
    spec('', '  schedule: { cron: "@daily", blackoutDates: [«2026-02-30] }\n'),
  ],
  [
    'unknown-time-zone',
    'pipeline "p": schedule.timeZone is "America/New_Yorc", which is no time zone; did you mean "America/New_York"?',
    spec('', '  schedule: { every: day, timeZone: «America/New_Yorc }\n'),
  ],
  [
    'bad-time',
    'pipeline "p": schedule.startAt is "2019-02-30", which is no date or time; write 2019-01-31, 2019-01-31T06:00 or 2019-01-31T06:00:00Z',
    spec('', '  schedule: { every: day, startAt: «2019-02-30 }\n'),
  ],
  [
    'bad-time',
    'pipeline "p": schedule.endAt is 2019-01-01, not after startAt (2019-01-01), so there is no window; move one of them',
    spec('', '  schedule: { every: day, startAt: 2019-01-01, endAt: «2019-01-01 }\n'),
  ],
  [
    'unknown-block',
    'pipeline "p": block "two": from[0] reads from "onne", which does not exist; did you mean "one"?',
    spec('    - name: two\n      from: [«onne]\n      transform: { sql: select 1 }\n'),
  ],
  [
    'unknown-block',
    'pipeline "p": block "two": needs[1] needs "zzz", which does not exist; the blocks are one',
    spec('    - name: two\n      needs: [one, «zzz]\n      load: { inline: { rows: [{ n: 1 }] } }\n'),
  ],
  [
    'unknown-block',
    'pipeline "p": block "two": use names "lod", and there is no such Block; did you mean "load"?',
    spec('    - name: two\n      use: «lod\n'),
    block('load', '  load: { inline: { rows: [{ n: 1 }] } }\n'),
  ],
  [
    'unknown-pipeline',
    'pipeline "p": block "two": wait.pipeline names "orders", and there is no such Pipeline; add a Pipeline manifest of that name',
    spec('    - name: two\n      wait: { pipeline: «orders }\n', scheduled),
  ],
  [
    'self-reference',
    'pipeline "p": block "two": from[0] names the block itself; remove it',
    spec('    - name: two\n      from: [«two]\n      transform: { sql: select 1 }\n'),
  ],
  [
    'cycle',
    'pipeline "p": block "two" waits for itself: "two" → "three" → "two"; remove one of these references',
    spec(
      '    - «name: two\n      from: [three]\n      transform: { sql: select 1 }\n    - name: three\n      from: [two]\n      transform: { sql: select 1 }\n',
    ),
  ],
  [
    'missing-input',
    'pipeline "p": block "two" transforms and has no input; add `from: [BLOCK]` with the blocks that its SQL reads',
    spec('    - «name: two\n      transform: { sql: select 1 }\n'),
  ],
  [
    'missing-input',
    'pipeline "p": block "two" exports and has no input; add `from: [BLOCK]` with the one block whose rows it takes',
    spec(
      '    - «name: two\n      export: { postgres: { connection: warehouse, table: t, write: { mode: append } } }\n',
    ),
    warehouse,
  ],
  [
    'missing-input',
    'pipeline "p": block "two": from cannot stand here, since a load reads no other block; use `needs` to only wait for one',
    spec('    - name: two\n      «from: [one]\n      load: { inline: { rows: [{ n: 1 }] } }\n'),
  ],
  [
    'missing-input',
    'pipeline "p": block "two": from[0] reads from "out", which is an export and has no rows; read from what it reads, or use `needs` to wait for it',
    `${exporting('{ mode: append }')}    - name: two\n      from: [«out]\n      transform: { sql: select 1 }\n`,
    warehouse,
  ],
];
