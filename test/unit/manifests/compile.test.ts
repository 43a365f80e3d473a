import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import type { CompiledPipeline } from '../../../schemas/generated/types.ts';
import { block, connection, files, load, pipeline, problemsOf, warehouse } from './sources.ts';

/** The only pipeline of a source that has no problems. */
function compiled(...texts: string[]): CompiledPipeline {
  const { pipelines, problems } = compile({ files: files(...texts) });
  expect(problems).toEqual([]);
  expect(pipelines).toHaveLength(1);
  return pipelines[0] as CompiledPipeline;
}

const taxi = pipeline(
  'taxi',
  `  description: Monthly trips
  schedule: { every: month, timeZone: America/New_York, startAt: 2019-01-01, endAt: 2021-01-01T06:30, delay: 1h30m, deadline: 3h, catchUp: all }
  suspend: true
  maxActiveRuns: 2
  retry: { limit: 3, max: 5m }
  timeout: 1h
  variables:
    base_url: { type: string, default: "https://example.test" }
  blocks:
    - name: out
      from: [paying]
      export: { postgres: { connection: warehouse, table: taxi.trips, write: { mode: replaceWindow, tag: window_start } } }
    - name: trips
      use: load-trips
      with: { url: "{{ base_url }}/{{ window.start.format('%Y-%m') }}.csv.gz", limit: "7" }
      checks: [{ expect: a > 1 }]
    - name: paying
      from: [trips]
      transform: { sql: { file: sql/paying.sql } }
`,
).replace('{ name: taxi }', '{ name: taxi, labels: { team: mobility } }');
const loadTrips = block(
  'load-trips',
  `  parameters:
    url: { type: string }
    limit: { type: integer }
    strict: { type: boolean, default: true }
  load:
    http: { url: "{{ url }}", connection: server }
    format: { csv: { columns: { z: SMALLINT, a: BIGINT } } }
  checks: [{ expect: a > 0 }]
`,
);
const secured = connection(
  'warehouse',
  `  postgres:
    host: "{{ env_var('PG_HOST') }}"
    port: "{{ env_var('PG_PORT', '5432') }}"
    database: taxi
    user: "{{ env_var('PG_HOST') }}"
    password: { secretKeyRef: { name: warehouse, key: password } }
`,
);
const secureServer = connection(
  'server',
  `  http: { url: "https://example.test", headers: { Authorization: "Bearer {{ env_var('TOKEN') }}", X-Api-Key: { secretKeyRef: { name: api, key: key } } } }\n`,
);

describe('a pipeline', () => {
  const source = files(taxi, loadTrips, secured, secureServer).set('sql/paying.sql', 'select * from trips');
  const { pipelines, problems } = compile({ files: source });
  const [version] = pipelines;

  test('compiles to its schedule, limits and policies', () => {
    expect(problems).toEqual([]);
    expect(version).toMatchObject({
      name: 'taxi',
      file: 'a.yaml',
      line: 3,
      description: 'Monthly trips',
      labels: { team: 'mobility' },
      suspend: true,
      maxActiveRuns: 2,
      timeoutMs: 3_600_000,
      schedule: {
        calendar: { every: { count: 1, unit: 'month' }, timeZone: 'America/New_York' },
        startAt: '2019-01-01T05:00:00Z',
        endAt: '2021-01-01T11:30:00Z',
        delayMs: 5_400_000,
        deadlineMs: 10_800_000,
        catchUp: 'all',
      },
    });
  });

  test('has its blocks in topological order, with Blocks resolved and files read', () => {
    expect(version?.bundle.timeZone).toBe('America/New_York');
    expect(version?.bundle.blocks.map(({ name }) => name)).toEqual(['trips', 'paying', 'out']);
    expect(version?.bundle.blocks[0]).toEqual({
      name: 'trips',
      from: [],
      needs: [],
      use: 'load-trips',
      parameters: { url: "{{ base_url }}/{{ window.start.format('%Y-%m') }}.csv.gz", limit: 7, strict: true },
      parameterTypes: {
        url: { type: 'string' },
        limit: { type: 'integer' },
        strict: { type: 'boolean', default: true },
      },
      load: {
        http: { url: '{{ url }}', connection: 'server' },
        format: { csv: { columns: { z: 'SMALLINT', a: 'BIGINT' } } },
      },
      checks: [{ expect: 'a > 0' }, { expect: 'a > 1' }],
      origin: { file: 'b.yaml', line: 9, column: 3 },
    });
    expect(version?.bundle.blocks[1]).toMatchObject({
      transform: { sql: { file: 'sql/paying.sql' } },
      origin: { file: 'a.yaml', line: 23, column: 7 },
    });
    expect(version?.bundle.files).toEqual({ 'sql/paying.sql': 'select * from trips' });
  });

  test('keeps the order of columns, which is that of the file', () => {
    expect(Object.keys(version?.bundle.blocks[0]?.load?.format?.csv?.columns ?? {})).toEqual(['z', 'a']);
  });

  test('names what its connections read from outside, each once', () => {
    expect(Object.keys(version?.bundle.connections ?? {})).toEqual(['server', 'warehouse']);
    expect(version?.environment).toEqual(['PG_HOST', 'PG_PORT', 'TOKEN']);
    expect(version?.secrets).toEqual([
      { name: 'api', key: 'key' },
      { name: 'warehouse', key: 'password' },
    ]);
  });

  test('has the defaults that the reference names', () => {
    expect(compiled(pipeline('p', `  schedule: { cron: " 0  6 * * 1-5" }\n  blocks:\n${load}`))).toMatchObject({
      maxActiveRuns: 1,
      timeoutMs: null,
      labels: {},
      schedule: {
        calendar: { cron: ['0 6 * * 1-5'], timeZone: 'UTC' },
        startAt: null,
        endAt: null,
        delayMs: 0,
        deadlineMs: null,
        catchUp: 'latest',
      },
      bundle: { tasks: [{ retry: { limit: 0, initialMs: 30_000, factor: 2, maxMs: 600_000 }, timeoutMs: null }] },
    });
    expect(compiled(pipeline('p', `  blocks:\n${load}`))).toMatchObject({
      schedule: null,
      bundle: { timeZone: 'UTC' },
    });
  });

  test('has one form for cron texts, however they are written, so that the same calendar stays the same', () => {
    const calendar = (schedule: string) =>
      compiled(pipeline('p', `  schedule: { ${schedule} }\n  blocks:\n${load}`)).schedule?.calendar;
    const written = 'blackoutDates: [2026-12-25, 2026-05-01], dst: { gap: skip, overlap: both }';
    expect(calendar(`cron: ["@daily", "0 12 * * 6", "0 0 * * *"], ${written}`)).toEqual({
      cron: ['0 0 * * *', '0 12 * * 6'],
      blackoutDates: ['2026-05-01', '2026-12-25'],
      gap: 'skip',
      overlap: 'both',
      timeZone: 'UTC',
    });
    expect(calendar('cron: ["0 0 * * *"], dst: { gap: shift, overlap: first }')).toEqual(calendar('cron: "@daily"'));
  });

  test('spreads pipelines over their jitter, each at its own part of it', () => {
    const delay = (name: string) =>
      compiled(pipeline(name, `  schedule: { every: day, delay: 1h, jitter: 10m }\n  blocks:\n${load}`)).schedule
        ?.delayMs ?? 0;
    const delays = Array.from({ length: 50 }, (_, i) => delay(`p${i}`));
    expect(delay('p0')).toBe(delays[0]);
    expect(new Set(delays).size).toBeGreaterThan(30);
    for (const each of delays) {
      expect(each).toBeGreaterThanOrEqual(3_600_000);
      expect(each).toBeLessThan(4_200_000);
    }
  });

  test('counts multiples of a unit from startAt', () => {
    const every = (schedule: string) =>
      compiled(pipeline('p', `  schedule: { ${schedule} }\n  blocks:\n${load}`)).schedule?.calendar;
    expect(every('every: 2 weeks, startAt: 2019-01-02T06:00:00Z, timeZone: Asia/Tokyo')).toEqual({
      every: { count: 2, unit: 'week' },
      timeZone: 'Asia/Tokyo',
      anchor: '2019-01-02T15:00:00',
    });
    expect(every('every: 2 weeks')).toEqual({ every: { count: 2, unit: 'week' }, timeZone: 'UTC' });
    expect(every('every: week, startAt: 2019-01-02')).toEqual({ every: { count: 1, unit: 'week' }, timeZone: 'UTC' });
  });

  test('may take an expression where a number or a boolean stands', () => {
    const spec =
      '  variables: { port: { type: integer, default: 1 } }\n  blocks:\n    - name: one\n      load: { inline: { rows: [{ n: "{{ port }}", s: text, b: true, x: null }] } }\n';
    expect(compiled(pipeline('p', spec)).bundle.blocks[0]?.load?.inline?.rows).toEqual([
      { n: '{{ port }}', s: 'text', b: true, x: null },
    ]);
  });

  test('reads YAML 1.2: words and dates are text, anchors repeat, merge keys are no keys', () => {
    const spec =
      '  description: no\n  blocks:\n    - name: one\n      load: { inline: { rows: [&row { a: yes, b: 2019-01-01, c: 0o17, d: 010 }, *row] } }\n';
    const { bundle, description } = compiled(`%YAML 1.1\n---\n${pipeline('p', spec)}`);
    expect(description).toBe('no');
    expect(bundle.blocks[0]?.load?.inline?.rows).toEqual(Array(2).fill({ a: 'yes', b: '2019-01-01', c: 15, d: 10 }));
    expect(problemsOf(pipeline('p', `  <<: { suspend: true }\n  blocks:\n${load}`))[0]).toContain('has no field "<<"');
  });

  test('may have any number of manifests in a file, and files of other kinds beside it', () => {
    const all = files(
      `# nothing\n---\n${taxi.replace('sql/', '')}---\n${loadTrips}---\n${secured}---\n---\n${secureServer}`,
    );
    const { pipelines, problems } = compile({
      files: all.set('paying.sql', 'select 1').set('notes.md', '{{').set('empty.yaml', '# only a comment\n'),
    });
    expect(problems).toEqual([]);
    expect(pipelines).toHaveLength(1);
  });

  test('may be named like a property of every object', () => {
    const { bundle } = compiled(
      pipeline(
        'constructor',
        '  variables: { toString: { type: integer, default: 1 } }\n  blocks:\n    - name: valueof\n      load: { postgres: { connection: constructor, sql: "select {{ toString }}" } }\n',
      ),
      warehouse.replace('name: warehouse', 'name: constructor'),
    );
    expect(Object.keys(bundle.connections)).toEqual(['constructor']);
    const { problems } = compile({
      files: files(
        pipeline(
          'p',
          '  blocks:\n    - name: one\n      use: constructor\n      with: { constructor: 1, toString: 2 }\n',
        ),
      ),
    });
    expect(problems.map(({ code }) => code)).toEqual(['unknown-block']);
  });
});

describe('the tasks of a pipeline', () => {
  const spec = `  retry: { limit: 2, max: 1m }
  blocks:
    - { name: trips, load: { inline: { rows: [{ n: 1 }] } } }
    - { name: clean, from: [trips], transform: { sql: select * from trips } }
    - { name: daily, from: [clean], when: "run.no == 1", retry: { limit: 5 }, timeout: 5m, transform: { sql: select * from clean } }
    - { name: out, from: [daily], export: { postgres: { connection: warehouse, table: t, write: { mode: append } } } }
    - { name: shown, needs: [out], load: { postgres: { connection: warehouse, sql: select * from t limit 10 } } }
`;
  const { tasks } = compiled(pipeline('p', spec), warehouse).bundle;

  test('are its fused blocks, and pass rows between them by name', () => {
    expect(tasks.map(({ retry, ...task }) => task)).toEqual([
      { name: 'clean', blocks: ['trips', 'clean'], needs: [], inputs: [], outputs: ['clean'], timeoutMs: null },
      {
        name: 'out',
        blocks: ['daily', 'out'],
        needs: ['clean'],
        inputs: ['clean'],
        outputs: [],
        when: 'run.no == 1',
        timeoutMs: 300_000,
      },
      { name: 'shown', blocks: ['shown'], needs: ['out'], inputs: [], outputs: [], timeoutMs: null },
    ]);
  });

  test('retry as their first block says, and as the pipeline says where it does not', () => {
    expect(tasks.map(({ retry }) => retry)).toEqual([
      { limit: 2, initialMs: 30_000, factor: 2, maxMs: 60_000 },
      { limit: 5, initialMs: 30_000, factor: 2, maxMs: 60_000 },
      { limit: 2, initialMs: 30_000, factor: 2, maxMs: 60_000 },
    ]);
  });
});
