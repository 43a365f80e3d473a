import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { block, connection, files, load, pipeline, problemsOf, server, warehouse } from './sources.ts';

describe('one broken manifest', () => {
  const good = pipeline('good', `  blocks:\n${load}`);

  test('stops no other pipeline, and its name is known', () => {
    const result = compile({ files: files(good, pipeline('bad', `  evry: 1\n  blocks:\n${load}`)) });
    expect(result.pipelines.map(({ name }) => name)).toEqual(['good']);
    expect(result).toMatchObject({ broken: ['bad'], unreadable: false, problems: [{ pipeline: 'bad' }] });
  });

  test.each([
    ['a Block', block('shared', '  lod: {}\n')],
    [
      'a Block that is there twice',
      `${block('shared', '  load: { inline: { rows: [{ n: 1 }] } }\n')}---\n${block('shared', '  load: { inline: { rows: [{ n: 1 }] } }\n')}`,
    ],
    [
      'a Block whose SQL is wrong',
      block('shared', '  load: { postgres: { connection: warehouse, sql: "select {{ x }}" } }\n'),
    ],
    [
      'a Block whose Connection is broken',
      `${block('shared', '  load: { http: { connection: server, url: x }, format: { csv: {} } }\n')}---\n${server.replace('http:', 'htp:')}`,
    ],
  ])('that is %s is reported where it is, and what uses it is not compiled', (_, shared) => {
    const user = pipeline('user', '  blocks:\n    - name: one\n      use: shared\n');
    const { pipelines, problems, broken } = compile({ files: files(good, user, shared, warehouse) });
    expect(pipelines.map(({ name }) => name)).toEqual(['good']);
    expect(broken).toEqual(['user']);
    expect(new Set(problems.map(({ file }) => file))).toEqual(new Set(['c.yaml']));
    expect(problems.every((problem) => problem.pipeline === undefined)).toBe(true);
  });

  test.each([
    ['kind: Pipeline\nmetadata: { name: lost }\nspec: [\n', ['lost'], true],
    ['metadata: { name: lost }\n', ['lost'], false],
    ['kind: Pipelin\nmetadata: { name: lost }\n', ['lost'], false],
    ['kind: Pipeline\nmetadata: { nam: lost }\n', [], true],
    ['kind: Pipelin\n', [], true],
    ['- a\n', [], true],
    ['kind: Pipeline\nmetadata: { name: lost }\nspec: { blocks: {{ x }} }\n', ['lost'], false],
    ['['.repeat(200), [], true],
  ])('does not count as removed: %j', (text, broken, unreadable) => {
    expect(compile({ files: files(good, text) })).toMatchObject({ broken, unreadable, pipelines: [{ name: 'good' }] });
  });

  test('is named where something may be missing because it cannot be read', () => {
    const user = pipeline('user', '  blocks:\n    - name: one\n      use: shared\n');
    expect(problemsOf(user, 'a: [\n')).toContainEqual(
      'unknown-block pipeline "user": block "one": use names "shared", and there is no such Block; it may be in b.yaml, which cannot be read',
    );
  });

  test('shows its other problems too: a fault of one part hides no other part', () => {
    const text = `${pipeline('p', '  schedule: { every: mont, catchUp: al }\n  timeout: 3\n  blocks:\n    - name: one\n      lod: 1\n    - name: two\n      from: [one, thre]\n      transform: { sql: "select {{ x }}" }\n')}`;
    expect(problemsOf(text).map((problem) => problem.split(' ')[0])).toEqual([
      'bad-value',
      'wrong-type',
      'unknown-field',
      'unknown-block',
      'unknown-name',
    ]);
  });
});

test('problems are sorted by file and line', () => {
  const { problems } = compile({
    files: new Map([
      ['b.yaml', 'kind: x\n---\nkind: y\n'],
      ['a.yaml', 'kind: z\n'],
    ]),
  });
  expect(problems.map(({ file, line }) => `${file}:${line}`)).toEqual(['a.yaml:1', 'b.yaml:1', 'b.yaml:3']);
});

test.each([
  ["{{ env_var('P') }}", true],
  ['{{env_var("P")}}', true],
  ["{{ env_var('P', '') }}", true],
  ["Bearer {{ env_var('P') }}", true],
  ["{{ env_var('P') + 'x' }}", false],
  ["{{ 'hunter2' }}", false],
  ["hunter2{{ env_var('P') }}", false],
  ['', false],
])('a secret written as %j is accepted: %s', (text, accepted) => {
  const source = connection(
    'c',
    `  http: { url: "https://x.test", headers: { Authorization: ${JSON.stringify(text)} } }\n`,
  );
  expect(compile({ files: files(source) }).problems.map(({ code }) => code)).toEqual(
    accepted ? [] : ['clear-text-secret'],
  );
});
