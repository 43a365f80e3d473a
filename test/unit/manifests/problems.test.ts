import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { type ProblemCode, problemCodes } from '../../../schemas/problem-codes.ts';
import { block, connection, files, load, pipeline, placeOf, server, unmark, warehouse } from './sources.ts';

type Case = readonly [code: ProblemCode, message: string, ...texts: string[]];

const scheduled = '  schedule: { every: month, startAt: 2019-01-01 }\n';
const spec = (blocks: string, more = '') => pipeline('p', `${more}  blocks:\n${load}${blocks}`);
const exporting = (write: string, more = scheduled) =>
  spec(
    `    - name: out\n      from: [one]\n      export: { postgres: { connection: warehouse, table: t, write: ${write} } }\n`,
    more,
  );
const csv = 'format: { csv: {} }';

/** Every text is a file; `«` marks where the problem is to be shown. */
const cases: readonly Case[] = [
  [
    'too-large',
    '"a.yaml" has 1048577 characters and the limit is 1048576; divide it into several files',
    `«${'#'.repeat(1024 * 1024 + 1)}`,
  ],
  [
    'syntax',
    'this is not readable as YAML (Tabs are not allowed as indentation); indent with spaces instead of tabs',
    'a:\n«\tb: 1\n',
  ],
  [
    'syntax',
    '"*x" repeats an anchor that does not stand before it; correct the name, or put the text in quotes',
    'a: «*x\n',
  ],
  [
    'syntax',
    'this is not readable as YAML (Unresolved tag: tag:yaml.org,2002:timestamp); remove the tag',
    'a: «!!timestamp 2019-01-01\n',
  ],
  [
    'unquoted-expression',
    'a key is itself a map or list; put text that begins with `{` or `[` in quotes',
    spec('    - name: two\n      use: x\n      with: { url: «{{ base }} }\n'),
  ],
  [
    'duplicate-key',
    '"suspend" stands here a second time; keep one of them',
    spec('', '  suspend: true\n  «suspend: false\n'),
  ],
  [
    'unknown-api-version',
    'pipeline "p": apiVersion is "v1", which this program does not read; write pipewright.dev/v1alpha1',
    spec('').replace('pipewright.dev/v1alpha1', '«v1'),
  ],
  [
    'unknown-kind',
    '"Pipelin" is not a kind of manifest; did you mean "Pipeline"?',
    spec('').replace('kind: Pipeline', 'kind: «Pipelin'),
  ],
  ['unknown-kind', '"Service" is not a kind of manifest; kinds are Pipeline, Block, Connection', 'kind: «Service\n'],
  ['unknown-field', 'pipeline "p" has no field "retrry"; did you mean "retry"?', spec('', '  «retrry: { limit: 1 }\n')],
  [
    'unknown-field',
    'pipeline "p": block "two": load.http has no field "zzz"; its fields are url, connection, headers, maxBytes, compression',
    spec(`    - name: two\n      load: { http: { url: "https://x.test", «zzz: 1 }, ${csv} }\n`),
  ],
  [
    'missing-field',
    'this document is no manifest: it lacks "kind"; add it, or move the file out of the source; kinds are Pipeline, Block, Connection',
    '«a: 1\n',
  ],
  [
    'missing-field',
    'pipeline "p": block "two": load.http lacks "url"; add it: an absolute URL, or a path below the connection’s `url`',
    spec(`    - name: two\n      load: { «http: { maxBytes: 1 }, ${csv} }\n`),
  ],
  [
    'missing-field',
    'pipeline "p": block "two": load lacks "format", which says what the bytes are; add `format: { csv: {} }`',
    spec('    - name: two\n      «load: { http: { url: "https://x.test" } }\n'),
  ],
  ['wrong-type', 'this document is a list and not a manifest; write apiVersion, kind, metadata and spec', '«- a\n'],
  [
    'wrong-type',
    'pipeline "p": maxActiveRuns is "two", which is not an integer; write an integer',
    spec('', '  maxActiveRuns: «two\n'),
  ],
  [
    'wrong-type',
    'connection "c": postgres.port is "54 32", which is not an integer or a {{ }}; write an integer',
    connection('c', '  postgres: { host: h, database: d, user: u, port: «54 32 }\n'),
  ],
  [
    'wrong-type',
    'pipeline "p": block "two": transform.sql.file is 3, which is not text; write text, in quotes where YAML would read something else',
    spec('    - name: two\n      from: [one]\n      transform: { sql: { file: «3 } }\n'),
  ],
  [
    'wrong-type',
    'pipeline "p": block "two": transform.sql is a list, which is not text or a map; write text',
    spec('    - name: two\n      from: [one]\n      transform: { sql: «[] }\n'),
  ],
  [
    'wrong-type',
    '"9007199254740993" is not a number that can be kept exactly; put it in quotes',
    spec('    - name: two\n      load: { inline: { rows: [{ n: «9007199254740993 }] } }\n'),
  ],
  [
    'wrong-type',
    '".inf" is not a number that can be kept exactly; put it in quotes',
    spec('    - name: two\n      load: { inline: { rows: [{ n: «.inf }] } }\n'),
  ],
  [
    'wrong-type',
    'pipeline "p": variables.v.default is "7", which is not of type integer; correct it or the type',
    spec('', '  variables: { v: { type: integer, default: «"7" } }\n'),
  ],
  [
    'bad-value',
    'pipeline "p": schedule.catchUp is "al", which is not one of none, latest, all; did you mean "all"?',
    spec('', '  schedule: { every: day, catchUp: «al }\n'),
  ],
  [
    'bad-value',
    'pipeline "p": maxActiveRuns is 0; the least is 1, write that or more',
    spec('', '  maxActiveRuns: «0\n'),
  ],
  ['bad-value', 'pipeline "p": blocks is empty; add at least one item', pipeline('p', '  blocks: «[]\n')],
  [
    'bad-value',
    'pipeline "p": block "two": load.http.url is not an absolute URL; begin it with http:// or https://, or name a `connection` whose URL it continues',
    spec(`    - name: two\n      load: { http: { url: «data.csv }, ${csv} }\n`),
  ],
  [
    'bad-value',
    'pipeline "p": block "two": load.inline.rows[1] has other columns than the first row; write a, b in every row, null where there is no value',
    spec('    - name: two\n      load: { inline: { rows: [{ b: 1, a: 2 }, «{ a: 1 }] } }\n'),
  ],
  [
    'bad-value',
    'pipeline "p": block "out": export.postgres.table is "a.b.c", which is not a table; write `table` or `schema.table`, each at most 63 bytes',
    exporting('{ mode: append }').replace('table: t', 'table: «a.b.c'),
    warehouse,
  ],
  [
    'bad-value',
    'pipeline "p": block "out": checks cannot stand here, since an export has no rows of its own; move them to the block it reads',
    `${exporting('{ mode: append }')}      «checks: [{ expect: "true" }]\n`,
    warehouse,
  ],
  [
    'bad-name',
    'pipeline "P_1": metadata.name is "P_1", which cannot be a name; use lower-case letters, digits and dashes, beginning with a letter, at most 52 characters',
    spec('').replace('name: p ', 'name: «P_1 '),
  ],
  [
    'bad-name',
    'pipeline "p": block "two-b": name is "two-b", which cannot be a name; use lower-case letters, digits and underscores, beginning with a letter, at most 40 characters',
    spec('    - name: «two-b\n      load: { inline: { rows: [{ n: 1 }] } }\n'),
  ],
  [
    'bad-name',
    'pipeline "p": variables.window has a name that expressions keep for themselves; choose another one',
    spec('', '  variables: { «window: { type: string } }\n'),
  ],
  [
    'bad-name',
    'pipeline "p": variables.a-b cannot be a name in expressions; use letters, digits and underscores, beginning with a letter, at most 63 characters',
    spec('', '  variables: { «a-b: { type: string } }\n'),
  ],
  [
    'bad-name',
    '"__proto__" cannot be a name; choose another one',
    spec('', '  variables: { «__proto__: { type: string } }\n'),
  ],
  [
    'bad-duration',
    'pipeline "p": timeout is "1 hour", which is not a length of time; write one such as 30s, 10m or 1h30m',
    spec('', '  timeout: «1 hour\n'),
  ],
  [
    'bad-duration',
    'pipeline "p": timeout is "9999d", which is longer than ten years; write a shorter one',
    spec('', '  timeout: «9999d\n'),
  ],
  [
    'bad-duration',
    'pipeline "p": block "one": timeout is no time at all; write a longer one or remove it',
    `${spec('')}      timeout: «0s\n`,
  ],
  [
    'more-problems',
    'pipeline "p" has 10 or more further problems; correct those that are shown first',
    `«${spec('', `  ${Array.from({ length: 60 }, (_, index) => `x${index}: 1`).join('\n  ')}\n`)}`,
  ],
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
    'pipeline "p": block "two" has none of load, transform, export, use; write exactly one of them',
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
    'block "b" has none of load, transform, export; write exactly one of them',
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
  [
    'unknown-connection',
    'pipeline "p": block "out": export.postgres.connection names "warehous", and there is no such Connection; did you mean "warehouse"?',
    exporting('{ mode: append }').replace('connection: warehouse', 'connection: «warehous'),
    warehouse,
  ],
  [
    'unknown-connection',
    'pipeline "p": block "out": export.postgres.connection names "warehouse", and there is no such Connection; add a Connection manifest of that name',
    exporting('{ mode: append }').replace('connection: warehouse', 'connection: «warehouse'),
  ],
  [
    'wrong-connection-kind',
    'pipeline "p": block "out": export.postgres.connection names "server", which is a Connection of kind http; name one of kind postgres',
    exporting('{ mode: append }').replace('connection: warehouse', 'connection: «server'),
    server,
  ],
  [
    'bad-write',
    'pipeline "p": block "out": export.postgres.write.keys is only for mode merge, and the mode is append; remove it or change the mode',
    exporting('{ mode: append, «keys: [a] }'),
    warehouse,
  ],
  [
    'bad-write',
    'pipeline "p": block "out": export.postgres.write merges and lacks "keys"; add the columns that identify a row',
    exporting('{ mode: merge }').replace('write:', '«write:'),
    warehouse,
  ],
  [
    'bad-write',
    'pipeline "p": block "out": export.postgres.write.keys names a column twice; remove one',
    exporting('{ mode: merge, keys: «[a, a] }'),
    warehouse,
  ],
  [
    'bad-write',
    'pipeline "p": block "out": export.postgres.write.tag stands beside "by", and only one of them can tell the window; remove one',
    exporting('{ mode: replaceWindow, by: a, «tag: b }'),
    warehouse,
  ],
  [
    'bad-write',
    'pipeline "p": block "out": export.postgres.write replaces a window and lacks "by" or "tag"; add `by: COLUMN` for a time column of the rows, or `tag: COLUMN` for a new one',
    exporting('{ mode: replaceWindow }').replace('write:', '«write:'),
    warehouse,
  ],
  [
    'bad-write',
    'pipeline "p": block "out": export.postgres.write.outside is only for `by`; with `tag` every row is in the window, remove it',
    exporting('{ mode: replaceWindow, tag: a, «outside: drop }'),
    warehouse,
  ],
  [
    'bad-parameter',
    'pipeline "p": block "two": with.limt is no parameter of block "b"; did you mean "limit"?',
    spec('    - name: two\n      use: b\n      with: { «limt: 3 }\n'),
    block(
      'b',
      '  parameters: { limit: { type: integer, default: 1 } }\n  load: { inline: { rows: [{ n: "{{ limit }}" }] } }\n',
    ),
  ],
  [
    'bad-parameter',
    'pipeline "p": block "two": with.limit is "7.5", and parameter "limit" of block "b" is of type integer; correct the value',
    spec('    - name: two\n      use: b\n      with: { limit: «"7.5" }\n'),
    block('b', '  parameters: { limit: { type: integer } }\n  load: { inline: { rows: [{ n: "{{ limit }}" }] } }\n'),
  ],
  [
    'bad-parameter',
    'pipeline "p": block "one": with is only for `use`; add `use: NAME` or remove it',
    `${spec('')}      «with: { a: 1 }\n`,
  ],
  [
    'missing-parameter',
    'pipeline "p": block "two": use is "b", whose parameter "limit" has no value; add it to `with`',
    spec('    - name: two\n      use: «b\n'),
    block('b', '  parameters: { limit: { type: integer } }\n  load: { inline: { rows: [{ n: "{{ limit }}" }] } }\n'),
  ],
  [
    'missing-default',
    'pipeline "p": variables.v has no default, and no one gives values to scheduled runs; add one',
    spec('', `${scheduled}  variables: { «v: { type: string } }\n`),
  ],
  [
    'missing-file',
    'pipeline "p": block "two": transform.sql.file: there is no file "q.sql" in the source; add it or correct the path',
    spec('    - name: two\n      from: [one]\n      transform: { sql: { file: «q.sql } }\n'),
  ],
  [
    'unsafe-path',
    'pipeline "p": block "two": transform.sql.file: file "../q.sql" is not inside the source; write a path relative to this manifest, with "/", that does not leave it',
    spec('    - name: two\n      from: [one]\n      transform: { sql: { file: «../q.sql } }\n'),
  ],
  [
    'bad-expression',
    'pipeline "p": block "two": load.inline.rows[0].n: "1 +" is not a CEL expression: "+" is not expected there; strings need quotes, and operators are &&, ||, !, ==',
    spec('    - name: two\n      load: { inline: { rows: [{ n: "{{ 1 «+ }}" }] } }\n'),
  ],
  [
    'bad-expression',
    'pipeline "p": block "one": when: a condition is an expression by itself; write it without {{ }}',
    `${spec('')}      when: "«{{ true }}"\n`,
  ],
  [
    'unknown-name',
    'pipeline "p": block "one": when: "limt" is not a name here; did you mean "limit"?',
    `${spec('', '  variables: { limit: { type: integer } }\n')}      when: «limt > 3\n`,
  ],
  [
    'window-needed',
    'pipeline "p": block "two": load.inline.rows[0].n: "window.start" needs a window, and there is none without a schedule; add `schedule` to the pipeline or remove the name',
    spec('    - name: two\n      load: { inline: { rows: [{ n: "{{ «window.start }}" }] } }\n'),
  ],
  [
    'window-needed',
    'pipeline "p": block "out": export.postgres.write.mode is replaceWindow, and there is no window without a schedule; add `schedule` to the pipeline or choose another mode',
    exporting('{ mode: «replaceWindow, tag: a }', ''),
    warehouse,
  ],
  [
    'window-needed',
    'pipeline "p": block "two": use names "b", which needs a window, and there is none without a schedule; add `schedule` to the pipeline',
    spec('    - name: two\n      use: «b\n'),
    block('b', '  load: { inline: { rows: [{ n: "{{ window.end }}" }] } }\n'),
  ],
  [
    'quoted-expression',
    'pipeline "p": block "two": transform.sql: {{ limit }} stands inside a string literal; remove the quotes: the value is bound as a parameter',
    spec(
      "    - name: two\n      from: [one]\n      transform:\n        sql: |\n          select *\n            from one where n = '«{{ limit }}'\n",
      '  variables: { limit: { type: integer } }\n',
    ),
  ],
  [
    'not-templated',
    'pipeline "p": block "one": checks[0].expect: a {{ }} is not evaluated in this field; write the value itself',
    `${spec('')}      checks: [{ expect: "n > «{{ limit }}" }]\n`,
  ],
  [
    'not-templated',
    'pipeline "p": variables.v.default: a {{ }} is not evaluated in this field; write the value itself',
    spec('', '  variables: { v: { type: string, default: "«{{ window.start }}" } }\n'),
  ],
  [
    'clear-text-secret',
    'connection "c": postgres.password is a secret in clear text; look it up: {{ env_var(\'NAME\') }} without a default, or secretKeyRef: { name, key }',
    connection('c', '  postgres: { host: h, database: d, user: u, password: «hunter2 }\n'),
  ],
  [
    'clear-text-secret',
    'connection "c": postgres.password is a secret in clear text; look it up: {{ env_var(\'NAME\') }} without a default, or secretKeyRef: { name, key }',
    connection('c', "  postgres: { host: h, database: d, user: u, password: «\"{{ env_var('P', 'hunter2') }}\" }\n"),
  ],
  [
    'clear-text-secret',
    'connection "c": http.headers.X-Api-Key is a secret in clear text; look it up: {{ env_var(\'NAME\') }} without a default, or secretKeyRef: { name, key }',
    connection('c', '  http: { url: "https://x.test", headers: { Accept: text/csv, X-Api-Key: «abc } }\n'),
  ],
  [
    'clear-text-secret',
    'connection "c": http.url has a password in clear text; send it as a header with a secretKeyRef',
    connection('c', '  http: { url: «"https://me:hunter2@x.test" }\n'),
  ],
  [
    'clear-text-secret',
    'pipeline "p": block "two": load.http.headers.Authorization is a secret, and secrets can stand only in Connections; move the header to an http Connection',
    spec(
      `    - name: two\n      load: { http: { url: "https://x.test", headers: { «Authorization: abc } }, ${csv} }\n`,
    ),
  ],
];

describe('a problem', () => {
  test.each(cases)('%s: %s', (code, message, ...texts) => {
    const { files: source, at } = unmark(files(...texts));
    const found = compile(source).problems.filter((problem) => problem.code === code);
    expect(found.map((problem) => `${placeOf(problem)} ${problem.message}`)).toContain(`${at} ${message}`);
  });

  test.each(cases)('stands alone when it is the only fault: %s: %s', (code, _message, ...texts) => {
    const follow = new Set<string>(['more-problems', 'duplicate-name', 'unknown-kind', 'bad-name']);
    const { problems } = compile(unmark(files(...texts)).files);
    if (!follow.has(code)) expect(problems.map((problem): string => problem.code)).toEqual([code]);
  });

  test('of every code of the catalogue is shown here, but those of folders', () => {
    const ofFolders: ProblemCode[] = ['unreadable-file', 'too-many-files'];
    const shown = new Set([...cases.map(([code]) => code), ...ofFolders]);
    expect([...shown].sort()).toEqual(Object.keys(problemCodes).sort());
  });

  test('is one sentence with a way out', () => {
    for (const [, message] of cases) {
      expect(message).toMatch(/; |: it lacks/);
      expect(message.endsWith('.')).toBe(false);
    }
  });
});
