import { expect, test } from 'vitest';
import { planSarif } from '../../../cli/plan/sarif.ts';
import { connection, head, inline, pipeline, planOf, reader, type Sources, writes } from './planned.ts';

const others = { 'c.yaml': connection, 'r.yaml': reader };

/** All warnings of a change, each after its pipeline. */
function warnings(base: Sources, changed: Sources): string[] {
  const plan = planOf({ ...others, ...base }, { ...others, ...changed });
  expect(plan.problems).toEqual([]);
  return [...plan.shared, ...plan.pipelines].flatMap(({ name, warnings: own }) =>
    own.map(({ message }) => `${name}: ${message}`),
  );
}

test('whoever reads a table that nothing writes any more is named, also when its writer retires', () => {
  const trips = { 'a.yaml': writes('trips', 'taxi.trips', 'append') };
  expect(warnings(trips, {})).toEqual(['trips: report reads table taxi.trips, which nothing writes any more']);
  const second = { 'b.yaml': writes('second', '"taxi"."trips"', 'append').replace('"taxi"."trips"', 'taxi.trips') };
  expect(warnings({ ...trips, ...second }, second)).toEqual([]);
});

test('a table that another pipeline writes is not written unseen', () => {
  const trips = { 'a.yaml': writes('trips', 'taxi.trips', 'append') };
  expect(warnings(trips, { ...trips, 'b.yaml': writes('second', 'taxi.trips', 'replace') })).toEqual([
    'second: block "out" writes table taxi.trips, which trips also writes',
    'second: block "out" replaces table taxi.trips, which report reads',
    'second: uses the connection warehouse',
    'second: contacts db.example.org',
    'second: logs in as me at db.example.org',
  ]);
});

test('columns that change their type or are no longer loaded are named', () => {
  const load = (columns: string) =>
    pipeline(
      'p',
      `blocks: [{ name: rows, load: { http: { url: "https://example.org/x.csv" }, format: { csv: { columns: { ${columns} } } } } }]\n`,
    );
  expect(
    warnings(
      { 'a.yaml': load('a: INTEGER, b: DATE, c: VARCHAR') },
      { 'a.yaml': load('a: BIGINT, b: DATE, d: VARCHAR') },
    ),
  ).toEqual([
    'p: column "a" of block "rows" becomes BIGINT instead of INTEGER',
    'p: block "rows" no longer loads column "c"',
  ]);
});

test('another image, service account or namespace, and another user at a system, are permissions', () => {
  const pod = (image: string, account: string) =>
    pipeline('p', `pod: { image: ${image}, serviceAccount: ${account} }\n${inline}`);
  expect(warnings({ 'a.yaml': pod('one:1', 'a') }, { 'a.yaml': pod('two:1', 'b') })).toEqual([
    'p: runs the image two:1 instead of one:1',
    'p: runs as the service account b instead of a',
  ]);
  const owner = connection.replace('user: me', 'user: owner');
  expect(warnings({}, { 'c.yaml': owner })).toEqual([
    'report: logs in as owner at db.example.org instead of me at db.example.org',
  ]);
});

test('users of a pool that become due at once are told where there are fewer slots', () => {
  const user = (name: string) => pipeline(name, `schedule: { every: day, startAt: 2026-01-01 }\npool: gpu\n${inline}`);
  const pool = { 'p.yaml': `${head('Pool', 'gpu')}spec: { slots: 1 }\n` };
  const plan = planOf({ ...pool, 'a.yaml': user('a') }, { ...pool, 'a.yaml': user('a'), 'b.yaml': user('b') });
  expect(plan.pools[0]?.collisions).toHaveLength(3);
  expect(plan.pools[0]?.collisions[0]).toEqual({ at: new Date('2026-03-21'), pipelines: ['a', 'b'] });
});

test('a Backfill that is taken out or changed ends what it has not begun', () => {
  const daily = { 'a.yaml': pipeline('daily', `schedule: { every: day, startAt: 2020-01-01 }\n${inline}`) };
  const backfill = (to: string) => ({
    'b.yaml': `${head('Backfill', 'old')}spec: { pipeline: daily, from: "2020", to: "${to}" }\n`,
  });
  const ended = (base: Sources, changed: Sources) =>
    planOf({ ...daily, ...base }, { ...daily, ...changed }).endedBackfills;
  expect(ended(backfill('2021'), {})).toEqual([{ name: 'old', pipeline: 'daily' }]);
  expect(ended(backfill('2021'), backfill('2022'))).toEqual([{ name: 'old', pipeline: 'daily' }]);
  expect(ended(backfill('2021'), backfill('2021'))).toEqual([]);
  // What is broken goes on as it was.
  expect(ended(backfill('2021'), backfill('20x1'))).toEqual([]);
});

test('a warning that is said once of all that a shared change reaches has a result for each in SARIF', () => {
  const owner = connection.replace('user: me', 'user: owner');
  const second = { 's.yaml': reader.replace('name: report', 'name: second') };
  const plan = planOf({ ...others, ...second }, { ...others, ...second, 'c.yaml': owner });
  const { results } = planSarif(plan, 'pipelines').runs[0] ?? { results: [] };
  expect(
    results.map(({ message, locations }) => `${locations[0]?.physicalLocation.artifactLocation.uri} ${message.text}`),
  ).toEqual([
    'pipelines/r.yaml pipeline "report": logs in as owner at db.example.org instead of me at db.example.org (Connection warehouse)',
    'pipelines/s.yaml pipeline "second": logs in as owner at db.example.org instead of me at db.example.org (Connection warehouse)',
  ]);
});

test('an environment is planned where it is asked for, and else named when it changes', () => {
  const base = { 'c.yaml': connection, 'r.yaml': reader };
  const over = (host: string) => ({ 'environments/production/c.yaml': connection.replace('db.example.org', host) });
  const plain = planOf({ ...base, ...over('a') }, { ...base, ...over('b') });
  expect(plain).toMatchObject({ pipelines: [], environments: ['production'] });
  const planned = planOf({ ...base, ...over('a') }, { ...base, ...over('b') }, { environment: 'production' });
  expect(planned.environments).toEqual([]);
  expect(planned.pipelines[0]?.warnings.map(({ message }) => message)).toContain('contacts b instead of a');
});
