import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { compile } from '../../../controller/manifests/compile.ts';

type Node = { [key: string]: Node };

const text = `
apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: taxi, labels: { team: mobility } }
spec:
  description: trips
  schedule: { every: month, startAt: 2019-01-01, timeZone: Europe/Berlin }
  maxActiveRuns: 2
  retry: { limit: 3 }
  variables: { limit: { type: integer, default: 3, description: how many } }
  blocks:
    - { name: trips, use: load-trips, with: { url: 'https://example.test', limit: '{{ limit }}' } }
    - { name: paying, from: [trips], transform: { sql: { file: paying.sql } }, checks: [{ expect: a > 0 }] }
    - { name: few, from: [paying], transform: { sql: 'select * from paying where a > 1' } }
    - name: out
      from: [few]
      export: { postgres: { connection: warehouse, table: t, write: { mode: append } } }
---
apiVersion: pipewright.dev/v1alpha1
kind: Block
metadata: { name: load-trips }
spec:
  parameters: { url: { type: string }, limit: { type: integer } }
  load: { http: { url: '{{ url }}' }, format: { csv: { columns: { a: BIGINT, b: TEXT } } } }
---
apiVersion: pipewright.dev/v1alpha1
kind: Connection
metadata: { name: warehouse }
spec: { postgres: { host: localhost, database: d, user: u, password: '{{ env_var("A") }}' } }
`;

/** The digest of data when `change` has been made to pipeline, Block and Connection. */
function digest(
  change: (pipeline: Node, block: Node, connection: Node) => unknown = () => {},
  sql = 'select * from trips',
): string {
  const [pipeline, block, connection] = text.split('---\n').map((each) => parse(each) as Node) as [Node, Node, Node];
  change(pipeline, block, connection);
  const files = {
    'p.yaml': [pipeline, block, connection].map((each) => stringify(each)).join('---\n'),
    'paying.sql': sql,
  };
  const { pipelines, problems } = compile({ files: new Map(Object.entries(files)) });
  expect(problems).toEqual([]);
  return pipelines[0]!.dataDigest;
}

const set = (node: Node | undefined, values: object) => Object.assign(node!, values);

describe('the digest of data', () => {
  test.each<[string, Parameters<typeof digest>[0]]>([
    ['a description', ({ spec }) => set(spec, { description: 'other' })],
    ['a label', ({ metadata }) => set(metadata?.labels, { team: 'other' })],
    ['the schedule', ({ spec }) => set(spec?.schedule, { every: 'day', delay: '3h', catchUp: 'none' })],
    ['a limit', ({ spec }) => set(spec, { maxActiveRuns: 9, timeout: '1h', retry: { limit: 0 } })],
    ['what a block may take', ({ spec }) => set(spec?.blocks?.[2], { timeout: '1m', retry: { limit: 9 } })],
    ['a check', ({ spec }) => set(spec?.blocks?.[1], { checks: [{ expect: 'a > 5' }] })],
    ['what a variable is for', ({ spec }) => set(spec?.variables?.limit, { description: 'other' })],
    [
      'who logs in at a target, and how',
      (_p, _b, { spec }) =>
        set(spec?.postgres, { user: 'x', password: '{{ env_var("B") }}', tls: 'require', port: 5432 }),
    ],
    [
      'a comment of SQL',
      ({ spec }) => set(spec?.blocks?.[2]?.transform, { sql: 'select * /* all */ from paying\n-- but\nwhere a > 1' }),
    ],
  ])('does not change with %s', (_what, change) => {
    expect(digest(change)).toBe(digest());
  });

  test.each<[string, Parameters<typeof digest>[0]]>([
    ['the text of SQL', ({ spec }) => set(spec?.blocks?.[2]?.transform, { sql: 'select * from paying where a > 2' })],
    [
      'a literal that looks like a comment',
      ({ spec }) => set(spec?.blocks?.[2]?.transform, { sql: "select *, '--' as c from paying where a > 1" }),
    ],
    ['a variable’s default', ({ spec }) => set(spec?.variables?.limit, { default: 4 })],
    ['a value of `with`', ({ spec }) => set(spec?.blocks?.[0]?.with, { url: 'https://other.test' })],
    ['a Block', (_p, { spec }) => set(spec?.load?.http, { headers: { a: 'b' } })],
    ['the order of columns', (_p, { spec }) => set(spec?.load?.format?.csv, { columns: { b: 'TEXT', a: 'BIGINT' } })],
    ['the target', (_p, _b, { spec }) => set(spec?.postgres, { database: 'other' })],
    ['the table', ({ spec }) => set(spec?.blocks?.[3]?.export?.postgres, { table: 'other' })],
    ['the zone', ({ spec }) => set(spec?.schedule, { timeZone: 'Asia/Tokyo' })],
    ['a condition', ({ spec }) => set(spec?.blocks?.[2], { when: 'limit > 1' })],
  ])('changes with %s', (_what, change) => {
    expect(digest(change)).not.toBe(digest());
  });

  test('changes with a file that SQL lies in, and not with its comments and white space', () => {
    expect(digest(undefined, 'select  *\n\nfrom trips -- all\n')).toBe(digest());
    expect(digest(undefined, 'select {{ limit }} from trips')).not.toBe(digest(undefined, 'select * from trips'));
  });
});
