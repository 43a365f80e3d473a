import { expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { files, load, pipeline } from './sources.ts';

/** All problems as `pipewright validate` prints them. */
function shown(...texts: string[]): string {
  return compile({ files: files(...texts) })
    .problems.map((each) => `${each.file}:${each.line}:${each.column}: ${each.message}\n${each.frame}\n`)
    .join('\n');
}

test('all problems of all files are shown in one go, with their lines', () => {
  const first = pipeline(
    'taxi',
    `  schedule: { evry: month }
  maxActiveRuns: two
  blocks:
    - name: trips
      lod: { inline: { rows: [{ n: 1 }] } }
    - name: paying
      from: [trip]
      transform:
        sql: |
          select *
          from trips
          where at >= {{ window.strat }}
`,
  );
  const second = `${pipeline('good', `  blocks:\n${load}`)}---\nkind: Pipelin\n`;
  expect(shown(first, second)).toBe(`\
a.yaml:5:15: pipeline "taxi": schedule has no field "evry"; did you mean "every"?
  3 | metadata: { name: taxi }
  4 | spec:
> 5 |   schedule: { evry: month }
    |               ^^^^
  6 |   maxActiveRuns: two

a.yaml:6:18: pipeline "taxi": maxActiveRuns is "two", which is not an integer; write an integer
  4 | spec:
  5 |   schedule: { evry: month }
> 6 |   maxActiveRuns: two
    |                  ^^^
  7 |   blocks:

a.yaml:9:7: pipeline "taxi": block "trips" has no field "lod"; did you mean "load"?
   7 |   blocks:
   8 |     - name: trips
>  9 |       lod: { inline: { rows: [{ n: 1 }] } }
     |       ^^^
  10 |     - name: paying

a.yaml:11:14: pipeline "taxi": block "paying": from[0] reads from "trip", which does not exist; did you mean "trips"?
   9 |       lod: { inline: { rows: [{ n: 1 }] } }
  10 |     - name: paying
> 11 |       from: [trip]
     |              ^^^^
  12 |       transform:

a.yaml:16:26: pipeline "taxi": block "paying": transform.sql: "window.strat" is not a name here; did you mean "window.start"?
  14 |           select *
  15 |           from trips
> 16 |           where at >= {{ window.strat }}
     |                          ^^^^^^^^^^^^

b.yaml:9:7: "Pipelin" is not a kind of manifest; did you mean "Pipeline"?
  7 |       load: { inline: { rows: [{ n: 1 }] } }
  8 | ---
> 9 | kind: Pipelin
    |       ^^^^^^^
`);
});

test('a stretch of several lines is marked on its first one, and long lines are cut', () => {
  const text = `kind: "Pipe\n  line"\nlong: ${'x'.repeat(500)}\n`;
  expect(shown(text)).toBe(`\
a.yaml:1:7: "Pipe line" is not a kind of manifest; did you mean "Pipeline"?
> 1 | kind: "Pipe
    |       ^^^^^
  2 |   line"
`);
  const [problem] = compile({ files: files(`${'#'.repeat(500)}\nkind: x\n`) }).problems;
  expect(problem?.frame?.split('\n')[0]).toBe(`  1 | ${'#'.repeat(160)}`);
});

test('problems of a SQL file are shown in that file', () => {
  const source = new Map([
    [
      'a/p.yaml',
      pipeline(
        'p',
        `  blocks:\n${load}    - name: two\n      from: [one]\n      transform: { sql: { file: ../sql/q.sql } }\n`,
      ),
    ],
    ['sql/q.sql', 'select *\r\nfrom one\r\nwhere n > {{ limit }}\r\n'],
  ]);
  const { problems } = compile({ files: source });
  expect(problems).toEqual([
    {
      file: 'sql/q.sql',
      line: 3,
      column: 14,
      code: 'unknown-name',
      pipeline: 'p',
      message: expect.stringContaining(
        'pipeline "p": block "two": transform.sql.file: "limit" is not a name here; the names are',
      ),
      frame: '  1 | select *\n  2 | from one\n> 3 | where n > {{ limit }}\n    |              ^^^^^',
    },
  ]);
});

test('characters that would steer a terminal are not shown', () => {
  const [problem] = compile({ files: files('kind: "\\e[2Jx\\u2028y"\n"\u001b[2J": 1\n') }).problems;
  const text = `${problem?.message}${problem?.frame}`;
  expect([text.includes('\u001b'), text.includes('\u2028')]).toEqual([false, false]);
});

test.each([
  ['plain text', 'n > {{ limt }}', 'n > {{ limt }}'.indexOf('limt')],
  ['double quotes', '"n > {{ limt }}"', '"n > {{ limt }}"'.indexOf('limt')],
  ['single quotes', "'n > {{ limt }}'", "'n > {{ limt }}'".indexOf('limt')],
  ['text with escapes, at its start', '"\\u006e > {{ limt }}"', 0],
])('the place of an expression in %s is exact', (_, text, offset) => {
  const source = pipeline(
    'p',
    `  blocks:\n    - name: two\n      load: { postgres: { connection: w, sql: ${text.startsWith('n') ? `"${text}"` : text} } }\n`,
  );
  const begin = source.split('\n')[6]?.indexOf('sql: ') ?? 0;
  const problem = compile({ files: files(source) }).problems.find(({ code }) => code === 'unknown-name');
  expect(problem?.column).toBe(begin + 'sql: '.length + 1 + offset + (text.startsWith('n') ? 1 : 0));
});
