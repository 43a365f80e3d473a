import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { compile } from '../../../controller/manifests/compile.ts';
import { block, files, load, pipeline, warehouse } from './sources.ts';

const million = 1024 * 1024 - 100;
const blocks = (count: number, from: (index: number) => string) =>
  Array.from(
    { length: count },
    (_, index) => `    - { name: b${index}, from: [${from(index)}], transform: { sql: select 1 } }\n`,
  ).join('');

/** Texts that make a careless reader run for minutes or run out of memory. */
const texts: Record<string, string> = {
  'maps that nest deeply': '{'.repeat(50_000),
  'lists that nest deeply': '- '.repeat(50_000),
  'aliases that multiply': `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}]`).join('\n')}\n`,
  'a hundred thousand keys': pipeline(
    'p',
    `  blocks:\n${load}  variables:\n${Array.from({ length: 50_000 }, (_, key) => `    k${key}: 1\n`).join('')}`,
  ),
  'as many unknown fields': pipeline('p', Array.from({ length: 80_000 }, (_, key) => `  k${key}: 1\n`).join('')),
  'as many wrong rows': pipeline(
    'p',
    `  blocks:\n    - name: one\n      load: { inline: { rows: [${'{ a: [] }, '.repeat(50_000)}] } }\n`,
  ),
  'as many documents': 'kind: Pipeline\n---\n'.repeat(20_000),
  'as many expressions': pipeline(
    'p',
    `  blocks:\n    - name: one\n      load: { postgres: { connection: w, sql: "${'{{a}}'.repeat(100_000)}" } }\n`,
  ),
  'a name of a million characters': pipeline('a'.repeat(million - 200), `  blocks:\n${load}`),
  'a duration of a million digits': pipeline('p', `  timeout: ${'1'.repeat(million - 200)}x\n  blocks:\n${load}`),
  'an unclosed expression': pipeline(
    'p',
    `  blocks:\n    - name: one\n      load: { inline: { rows: [{ a: "${'{{'.repeat(400_000)}" }] } }\n`,
  ),
  'a condition that is far too long': `${pipeline('p', `  blocks:\n${load}`)}      when: "${'a.'.repeat(400_000)}a"\n`,
  'a pipeline in which all blocks read from all': pipeline(
    'p',
    `  blocks:\n${load}${blocks(499, (index) => ['one', ...Array.from({ length: index }, (_, other) => `b${other}`)].join(', '))}`,
  ),
  'a pipeline in which every text asks for outputs': pipeline(
    'p',
    `  blocks:\n${load}${Array.from({ length: 499 }, (_, index) => `    - { name: b${index}, needs: [one${Array.from({ length: index }, (_, other) => `, b${other}`).join('')}], use: x, with: { a: "{{ outputs.b${index}.n }}", b: "{{ outputs.x.n }}" } }\n`).join('')}`,
  ),
  'as many texts that ask for outputs': pipeline(
    'p',
    `  blocks:\n    - name: one\n      load: { inline: { rows: [${'{ a: "{{ outputs.one.n }}" }, '.repeat(30_000)}] } }\n`,
  ),
  'a circle of 499 blocks': pipeline('p', `  blocks:\n${load}${blocks(499, (index) => `b${(index + 1) % 499}`)}`),
};

describe('a hostile text', () => {
  test.each(Object.entries(texts))('is judged without hanging: %s', (_, text) => {
    const good = pipeline('good', `  blocks:\n${load}`);
    const { pipelines } = compile({ files: files(good, text.slice(0, 1024 * 1024)) });
    expect(pipelines.map(({ name }) => name)).toContain('good');
  });

  test('is judged without hanging when there are thousands of it', () => {
    const source = new Map<string, string>();
    for (let number = 0; number < 800; number++) {
      source.set(
        `${number}.yaml`,
        pipeline(`p${number}`, `  blocks:\n    - name: one\n      use: some-name-of-a-block-${number}\n`),
      );
      source.set(
        `block-${number}.yaml`,
        block(`same-name-of-a-block-${number}`, '  load: { inline: { rows: [{ n: 1 }] } }\n'),
      );
    }
    for (let number = 0; number < 800; number++)
      source.set(`same-${number}.yaml`, pipeline('same', `  blocks:\n${load}`));
    expect(compile({ files: source }).problems).toHaveLength(1600);
  });
});

const manifest = pipeline(
  'taxi',
  `  schedule: { every: month, startAt: 2019-01-01 }
  variables: { base: { type: string, default: x } }
  blocks:
    - { name: one, use: shared, with: { url: "{{ base }}" }, when: "base == 'x'", retry: { limit: 1 } }
    - { name: two, from: [one], transform: { sql: "select {{ window.start }}" }, checks: [{ expect: "true" }] }
    - { name: out, from: [two], export: { postgres: { connection: warehouse, table: t, write: { mode: merge, keys: [a] } } } }
`,
);
const shared = block(
  'shared',
  '  parameters: { url: { type: string } }\n  load: { http: { url: "{{ url }}" , headers: { a: b } }, format: { csv: { columns: { a: INT } } } }\n',
);

const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    'x',
    '',
    '{{ x }}',
    '{{',
    [],
    {},
    [null],
    { x: 1 },
    { constructor: 1 },
    { file: '../x' },
    [[]],
  ),
  fc.string({ maxLength: 8 }),
);

/** Replaces, removes or adds something at a place that `seed` picks. */
function mutate(value: unknown, seed: number, replacement: unknown): unknown {
  const holders: { holder: Record<string, unknown>; key: string }[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      holders.push({ holder: node as Record<string, unknown>, key });
      walk((node as Record<string, unknown>)[key]);
    }
  };
  walk(value);
  const { holder, key } = holders[seed % holders.length] ?? { holder: {}, key: '' };
  if (seed % 3 === 0) delete holder[key];
  else if (seed % 3 === 1) holder[key] = replacement;
  else holder[`${key}x`] = replacement;
  return value;
}

describe('any change of a good manifest', () => {
  test('ends in a version or in problems that stand in the file, never in an exception', () => {
    const original = [manifest, shared, warehouse];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(10_000), junk), { minLength: 1, maxLength: 4 }), (changes) => {
        const values = original.map((text) => parse(text) as unknown);
        for (const [which, seed, replacement] of changes) mutate(values[which], seed, structuredClone(replacement));
        const source = files(...values.map((value) => stringify(value)));
        const { pipelines, problems, broken, unreadable } = compile({ files: source });
        expect(pipelines.length + broken.length > 0 || unreadable).toBe(true);
        if (pipelines.length === 0) expect(problems.length).toBeGreaterThan(0);
        for (const { file, line, column, message } of problems) {
          const text = source.get(file)?.split('\n')[line - 1];
          expect(text).toBeDefined();
          expect(column).toBeLessThanOrEqual((text ?? '').length + 1);
          expect(message).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 700 },
    );
  });

  test('of its text ends so too', () => {
    fc.assert(
      fc.property(
        fc.nat(manifest.length),
        fc.nat(12),
        fc.string({ unit: 'binary', maxLength: 6 }),
        (at, cut, insert) => {
          const text = manifest.slice(0, at) + insert + manifest.slice(at + cut);
          const { pipelines, broken, unreadable } = compile({ files: files(text, shared, warehouse) });
          expect(pipelines.length + broken.length > 0 || unreadable || text.trim() === '').toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
