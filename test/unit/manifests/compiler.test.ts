import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compile, createCompiler } from '../../../controller/manifests/compile.ts';
import { onJobs, onProcesses, type TaskPlace } from '../../../controller/manifests/place.ts';
import { backfills } from './problems/backfills.ts';
import { bodies } from './problems/bodies.ts';
import { pipelines } from './problems/pipelines.ts';
import { pools } from './problems/pools.ts';
import { reading } from './problems/reading.ts';
import { schedules } from './problems/schedules.ts';
import { backfill, block, connection, load, pipeline, warehouse } from './sources.ts';

const pool = (name: string, slots: number) =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: Pool\nmetadata: { name: ${name} }\nspec: { slots: ${slots} }\n`;
const daily = '  schedule: { every: day, startAt: 2026-01-01 }\n';
const user = (name: string, more = '') =>
  pipeline(
    name,
    `${daily}${more}  blocks:\n    - { name: rows, use: rows }\n    - name: out\n      from: [rows]\n      export: { postgres: { connection: warehouse, table: t, write: { mode: append } } }\n`,
  );
const waiting = (name: string, other: string) =>
  pipeline(name, `${daily}  blocks:\n    - { name: w, wait: { pipeline: ${other} } }\n${load}`);

/** Manifests that need each other, in forms that fit and forms that do not. */
const knit = [
  user('a'),
  user('b', '  pool: small\n'),
  user('a', '  maxActiveRuns: 2\n'),
  pipeline('c', `  pool: large\n  blocks:\n${load}      pool: small\n`),
  pipeline('d', `  pool: small\n  blocks:\n${load}      pool: large\n`),
  user('a', '  variables: { n: { type: integer, default: 1 } }\n'),
  pipeline('a', '  variables: { n: { default: 2 } }\n'),
  waiting('e', 'f'),
  waiting('f', 'e'),
  waiting('f', 'a'),
  block('rows', '  load: { postgres: { connection: warehouse, sql: { file: rows.sql } } }\n'),
  block('rows', '  load: { inline: { rows: [{ n: 1 }] } }\n'),
  block('rows', '  container: { image: x }\n'),
  connection('warehouse', '  postgres: { host: localhost, database: taxi, user: loader }\n'),
  connection('warehouse', '  postgres: { host: localhost, database: taxi, user: loader, password: x }\n'),
  connection('warehouse', '  http: { url: "https://example.test" }\n'),
  pool('small', 1),
  pool('small', 0),
  pool('large', 9),
  backfill('old', '  pipeline: a\n  from: 2026-01-01\n  to: 2026-01-03\n'),
];
const faulty = [...reading, ...pipelines, ...bodies, ...backfills, ...pools, ...schedules].flatMap(([, , ...texts]) =>
  texts.map((text) => text.replace(/[«»]/g, '')),
);
const queries = ['select 1 as n', 'select {{ window.start }} as n', 'select {{ nobody }} as n', ''];
const places = [undefined, onProcesses, onJobs({ namespace: 'jobs', policy: { images: ['y'] } } as never)];

const path = fc.constantFrom(
  'a.yaml',
  'b.yaml',
  'c.yaml',
  'd/a.yaml',
  'd/e.yaml',
  'f.yml',
  'environments/x/a.yaml',
  'environments/y/a.yaml',
);
const text = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...knit) },
  { weight: 1, arbitrary: fc.constantFrom(...faulty) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...knit), fc.constantFrom(...knit)).map((two) => two.join('---\n')),
  },
);
const edit = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), path, text }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), path, to: path }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      path: fc.constantFrom('rows.sql', 'd/rows.sql'),
      text: fc.constantFrom(...queries),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('place' as const), place: fc.constantFrom(...places) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('environment' as const),
      environment: fc.constantFrom(undefined, 'x', 'y'),
    }),
  },
);

type Edit = typeof edit extends fc.Arbitrary<infer Value> ? Value : never;

function apply(files: Map<string, string>, change: Edit): void {
  if (change.kind === 'write') files.set(change.path, change.text);
  if (change.kind === 'move') files.set(change.to, files.get(change.path) ?? '');
  if (change.kind === 'move' || change.kind === 'remove') files.delete(change.path);
}

test('what is compiled after any edits is what a first look at the same files gives', () => {
  const commits = fc.array(fc.array(edit, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(commits, (history) => {
      const compiler = createCompiler();
      const files = new Map<string, string>();
      let [place, environment]: [TaskPlace?, string?] = [];
      for (const commit of history) {
        for (const change of commit) {
          apply(files, change);
          if (change.kind === 'place') place = change.place;
          if (change.kind === 'environment') environment = change.environment;
        }
        const options = { files, place, environment };
        // As JSON: the order of keys and of problems is part of it.
        expect(JSON.stringify(compiler.compile(options))).toBe(JSON.stringify(compile(options)));
      }
    }),
    { numRuns: 100 },
  );
});

test('a change compiles again what it can reach, and nothing else', () => {
  const compiler = createCompiler();
  const files = new Map([
    ['a.yaml', user('a')],
    ['b.yaml', pipeline('b', `  blocks:\n${load}`)],
    ['c.yaml', pipeline('c', `  blocks:\n${load}      pool: small\n`)],
    ['warehouse.yaml', connection('warehouse', '  postgres: { host: localhost, database: taxi, user: loader }\n')],
    ['rows.yaml', block('rows', '  load: { postgres: { connection: warehouse, sql: { file: rows.sql } } }\n')],
    ['rows.sql', 'select 1 as n'],
    ['pools.yaml', pool('small', 1)],
  ]);
  const compiled = () => new Map(compiler.compile({ files }).pipelines.map((each) => [each.name, each]));
  let before = compiled();
  const changedBy = (path: string, text: string) => {
    files.set(path, text);
    const now = compiled();
    const names = [...now.keys()].filter((name) => now.get(name) !== before.get(name));
    before = now;
    return names;
  };
  expect(changedBy('other.sql', 'select 2')).toEqual([]);
  expect(changedBy('rows.sql', 'select 2 as n')).toEqual(['a']);
  expect(changedBy('warehouse.yaml', `${files.get('warehouse.yaml')}\n# again\n`)).toEqual(['a']);
  expect(changedBy('rows.yaml', block('rows', '  load: { inline: { rows: [{ n: 1 }] } }\n'))).toEqual(['a']);
  expect(changedBy('rows.sql', 'select 3 as n')).toEqual([]);
  expect(changedBy('b.yaml', pipeline('b', `  maxActiveRuns: 2\n  blocks:\n${load}`))).toEqual(['b']);
  expect(changedBy('pools.yaml', pool('small', 2))).toEqual(['c']);
});

test.each([
  [
    'a circle of pools that another pipeline closes',
    {
      'a.yaml': pipeline('a', `  pool: large\n  blocks:\n${load}      pool: small\n`),
      'd.yaml': pipeline('d', `  pool: small\n  blocks:\n${load}`),
    },
    { 'd.yaml': pipeline('d', `  pool: small\n  blocks:\n${load}      pool: large\n`) },
  ],
  [
    'a name that is nearer to what was meant',
    { 'rows.yaml': block('rows', '  load: { postgres: { connection: warehouse, sql: { file: rows.sql } } }\n') },
    { 'row.sql': 'select 1' },
  ],
  [
    'a Block that is nearer to what was meant',
    { 'a.yaml': pipeline('a', '  blocks:\n    - { name: one, use: trips }\n') },
    { 'b.yaml': block('trip', '  load: { inline: { rows: [{ n: 1 }] } }\n') },
  ],
] as const)('what follows from other files is looked at again: %s', (_, first, then) => {
  const base = { 'base.yaml': [pool('small', 1), pool('large', 1), warehouse].join('---\n') };
  const compiler = createCompiler();
  const before = compiler.compile({ files: new Map(Object.entries({ ...base, ...first })) }).problems;
  const files = new Map(Object.entries({ ...base, ...first, ...then }));
  const { problems } = compiler.compile({ files });
  expect(problems).not.toEqual(before);
  expect(problems).toEqual(compile({ files }).problems);
});

test('nothing is kept of what was compiled before but what is still there', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const compiler = createCompiler();
  const compileSome = (description: string) => {
    const files = new Map([
      ['a.yaml', user('a')],
      ['b.yaml', user('b', `  description: ${description}\n`)],
      ['rows.yaml', block('rows', '  load: { inline: { rows: [{ n: 1 }] } }\n')],
      ['warehouse.yaml', warehouse],
    ]);
    return [new WeakRef(files), new WeakRef(compiler.compile({ files }).pipelines[1] as object)];
  };
  const first = compileSome('first');
  compileSome('second');
  const kept = () => {
    collect();
    return first.filter((each) => each.deref() !== undefined).length;
  };
  await expect.poll(kept, { timeout: 10_000 }).toBe(0);
});
