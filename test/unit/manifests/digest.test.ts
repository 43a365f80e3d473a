import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { compile } from '../../../controller/manifests/compile.ts';
import type { CompiledPipeline } from '../../../schemas/generated/types.ts';

const base = {
  pipeline: {
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'Pipeline',
    metadata: { name: 'taxi', labels: { team: 'mobility', tier: 'gold' } },
    spec: {
      schedule: { every: 'month', startAt: '2019-01-01', catchUp: 'all' },
      retry: { limit: 3, initial: '30s' },
      variables: {
        base_url: { type: 'string', default: 'https://example.test' },
        limit: { type: 'integer', default: 3 },
      },
      blocks: [
        { name: 'trips', use: 'load-trips', with: { url: '{{ base_url }}', limit: 3 } },
        {
          name: 'paying',
          from: ['trips'],
          transform: { sql: { file: 'paying.sql' } },
          checks: [{ expect: 'a > 0', severity: 'warn' }],
        },
        {
          name: 'out',
          from: ['paying'],
          export: { postgres: { connection: 'warehouse', table: 't', write: { mode: 'replaceWindow', tag: 'at' } } },
        },
      ],
    },
  },
  block: {
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'Block',
    metadata: { name: 'load-trips' },
    spec: {
      parameters: { url: { type: 'string' }, limit: { type: 'integer', default: 1 } },
      load: {
        http: { url: '{{ url }}', maxBytes: 10 },
        format: { csv: { columns: { a: 'BIGINT', b: 'TEXT' }, delimiter: ';' } },
      },
    },
  },
  connection: {
    apiVersion: 'pipewright.dev/v1alpha1',
    kind: 'Connection',
    metadata: { name: 'warehouse' },
    spec: { postgres: { host: 'localhost', database: 'd', user: 'u' } },
  },
};
type Base = typeof base;

function version(files: Record<string, string>): CompiledPipeline {
  const { pipelines, problems } = compile({ files: new Map(Object.entries(files)) });
  expect(problems).toEqual([]);
  return pipelines[0] as CompiledPipeline;
}

const write = (value: Base, sql = 'select * from trips') =>
  version({
    'p.yaml': [value.pipeline, value.block, value.connection].map((each) => stringify(each)).join('---\n'),
    'paying.sql': sql,
  });

/** What a bundle is without the positions in it. */
const meaning = ({ bundle }: CompiledPipeline) =>
  JSON.stringify({ ...bundle, blocks: bundle.blocks.map((block) => ({ ...block, origin: 0 })) });

/** The value with the keys of its maps in another order, but for columns. */
function shuffle(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffle(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([key, item]) => [key, key === 'columns' ? item : shuffle(item, random)] as const,
  );
  return Object.fromEntries(
    entries
      .map((entry) => [random(), entry] as const)
      .sort(([a], [b]) => a - b)
      .map(([, entry]) => entry),
  );
}

/** YAML in another style, with comments, blank lines and another file name. */
function rewrite(value: Base, random: () => number): Record<string, string> {
  const texts = Object.values(value).map((each) => {
    const style = {
      indent: 2 + Math.floor(random() * 3),
      collectionStyle: random() < 0.3 ? 'flow' : 'any',
      lineWidth: 40,
    } as const;
    const text = stringify(shuffle(each, random), style);
    return random() < 0.5 ? `\n# ${random()}\n${text}` : text;
  });
  if (random() < 0.5) texts.reverse();
  if (random() < 0.5) return { 'x.yaml': texts.join('---\n'), 'paying.sql': 'select * from trips' };
  return {
    ...Object.fromEntries(texts.map((text, index) => [`${index}.yml`, text])),
    'paying.sql': 'select * from trips',
  };
}

describe('a version’s digest', () => {
  test('is independent of comments, key order, style and the files that manifests stand in', () => {
    const original = write(base);
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })), (stream) => {
        const other = version(rewrite(base, () => stream.next().value));
        expect([other.digest, other.bundleDigest]).toEqual([original.digest, original.bundleDigest]);
        expect(meaning(other)).toBe(meaning(original));
      }),
      { numRuns: 60 },
    );
  });

  const changes: [what: string, digest: 'bundle' | 'version', change: (value: Base) => object][] = [
    ['a variable’s default', 'bundle', ({ pipeline }) => Object.assign(pipeline.spec.variables.limit, { default: 4 })],
    ['a value of `with`', 'bundle', ({ pipeline }) => Object.assign(pipeline.spec.blocks[0]?.with ?? {}, { limit: 4 })],
    ['a Block', 'bundle', ({ block }) => Object.assign(block.spec.load.http, { maxBytes: 11 })],
    ['a Connection', 'bundle', ({ connection }) => Object.assign(connection.spec.postgres, { host: 'other' })],
    [
      'the order of columns',
      'bundle',
      ({ block }) => Object.assign(block.spec.load.format.csv, { columns: { b: 'TEXT', a: 'BIGINT' } }),
    ],
    [
      'a further block',
      'bundle',
      ({ pipeline }) =>
        Object.assign(pipeline.spec.blocks, { 3: { name: 'aa', load: { inline: { rows: [{ n: 1 }] } } } }),
    ],
    ['a retry', 'bundle', ({ pipeline }) => Object.assign(pipeline.spec.retry, { limit: 4 })],
    [
      'the schedule’s zone',
      'bundle',
      ({ pipeline }) => Object.assign(pipeline.spec.schedule, { timeZone: 'Asia/Tokyo' }),
    ],
    ['the schedule', 'version', ({ pipeline }) => Object.assign(pipeline.spec.schedule, { every: 'day' })],
    ['a label', 'version', ({ pipeline }) => Object.assign(pipeline.metadata.labels, { team: 'other' })],
    ['the name', 'bundle', ({ pipeline }) => Object.assign(pipeline.metadata, { name: 'other' })],
  ];
  test.each(changes)('changes with %s', (_, kind, change) => {
    const changed = structuredClone(base);
    change(changed);
    const [before, after] = [write(base), write(changed)];
    expect(after.digest).not.toBe(before.digest);
    expect(after.bundleDigest === before.bundleDigest).toBe(kind === 'version');
  });

  test('changes with the text of a file that the code reads, and not with one that nothing reads', () => {
    const original = write(base);
    expect(write(base, 'select 1').digest).not.toBe(original.digest);
    const files = {
      'p.yaml': Object.values(base)
        .map((each) => stringify(each))
        .join('---\n'),
      'paying.sql': 'select * from trips',
    };
    expect(version({ ...files, 'other.sql': 'select 2' }).digest).toBe(original.digest);
  });
});
