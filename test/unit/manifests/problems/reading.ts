import { connection, pipeline, warehouse } from '../sources.ts';
import { type Case, csv, exporting, spec } from './case.ts';

/** What can be wrong with the text of a manifest and with its form. */
export const reading: readonly Case[] = [
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
  [
    'unknown-kind',
    '"Service" is not a kind of manifest; kinds are Pipeline, Block, Connection, Pool, Backfill',
    'kind: «Service\n',
  ],
  ['unknown-field', 'pipeline "p" has no field "retrry"; did you mean "retry"?', spec('', '  «retrry: { limit: 1 }\n')],
  [
    'unknown-field',
    'pipeline "p": block "two": load.http has no field "zzz"; its fields are url, connection, headers, maxBytes, compression',
    spec(`    - name: two\n      load: { http: { url: "https://x.test", «zzz: 1 }, ${csv} }\n`),
  ],
  [
    'missing-field',
    'this document is no manifest: it lacks "kind"; add it, or move the file out of the source; kinds are Pipeline, Block, Connection, Pool, Backfill',
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
];
