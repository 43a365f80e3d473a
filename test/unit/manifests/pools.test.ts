import { expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { files, load, pipeline, problemsOf } from './sources.ts';

const pool = (name: string, spec = '{ slots: 2 }') =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: Pool\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const block = (name: string, more: string) => `    - name: ${name}\n${more.replace(/^(?=.)/gm, '      ')}\n`;
const inline = 'load: { inline: { rows: [{ n: 1 }] } }';

test('a pool is compiled with its slots, one with a problem is named as broken, and breaks what names it', () => {
  const source = files(
    pool('gpu', '{ slots: 0, description: the two cards }'),
    pool('wide', '{ slots: many }'),
    pipeline('a', `  pool: wide\n  blocks:\n${load}`),
    pipeline('b', `  pool: gpu\n  blocks:\n${load}`),
  );
  const { pools, brokenPools, pipelines, broken, problems } = compile({ files: source });
  expect(pools).toEqual([{ name: 'gpu', slots: 0, description: 'the two cards' }]);
  expect(brokenPools).toEqual(['wide']);
  expect([pipelines.map(({ name }) => name), broken]).toEqual([['b'], ['a']]);
  expect(problems.map(({ code, file }) => [code, file])).toEqual([['wrong-type', 'b.yaml']]);
});

test('a block with a pool begins a task, which has that pool', () => {
  const blocks = [
    block('one', inline),
    block('two', 'from: [one]\ntransform: { sql: select * from one }\npool: gpu'),
    block('three', 'from: [two]\ntransform: { sql: select * from two }'),
  ];
  const { pipelines, problems } = compile({
    files: files(pool('gpu'), pipeline('p', `  blocks:\n${blocks.join('')}`)),
  });
  expect(problems).toEqual([]);
  expect(pipelines[0]?.bundle.tasks.map(({ name, blocks: names, pool: of }) => [name, names, of])).toEqual([
    ['one', ['one'], undefined],
    ['three', ['two', 'three'], 'gpu'],
  ]);
});

test('limits, priority and pool make another version, and none where the manifest has none of them', () => {
  const digest = (spec: string) =>
    compile({ files: files(pool('gpu'), pipeline('p', `${spec}  blocks:\n${load}`)) }).pipelines[0]?.digest;
  const specs = ['', '  priority: 0\n', '  priority: 1\n', '  whenBusy: skip\n', '  pool: gpu\n'];
  expect(new Set(specs.map(digest)).size).toBe(specs.length);
});

test('runs of two pipelines that could wait for each other’s slots are a problem at both', () => {
  const holding = (name: string, own: string, asked: string) =>
    pipeline(name, `  pool: ${own}\n  blocks:\n${block('one', `${inline}\npool: ${asked}`)}`);
  const pools = [pool('x'), pool('y'), pool('z')];
  expect(problemsOf(...pools, holding('a', 'x', 'y'), holding('b', 'y', 'z'))).toEqual([]);
  const found = problemsOf(...pools, holding('a', 'x', 'y'), holding('b', 'y', 'z'), holding('c', 'z', 'x'));
  expect(found).toHaveLength(3);
  expect(found[0]).toBe(
    'pool-circle pipeline "a": block "one": pool leads back to "x", whose slot the run holds: runs of several pipelines can wait for each other; choose another pool, or remove `pool` from the pipeline',
  );
});
