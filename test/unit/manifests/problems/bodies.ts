import { block, connection, server, warehouse } from '../sources.ts';
import { type Case, csv, exporting, scheduled, spec } from './case.ts';

/** What can be wrong with what blocks do, and with connections and expressions. */
export const bodies: readonly Case[] = [
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
