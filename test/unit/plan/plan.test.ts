import pc from 'picocolors';
import { expect, test } from 'vitest';
import { planMarkdown } from '../../../cli/plan/markdown.ts';
import { planText } from '../../../cli/plan/text.ts';
import { connection, head, inline, pipeline, planOf, reader, writes } from './planned.ts';

test('a change of a Block is told once, with every pipeline that it reaches', async () => {
  const block = (type: string, more: string) =>
    `${head('Block', 'load-trips')}spec:
  parameters: { month: { type: string } }
  load:
    http: { url: "https://example.org/{{ month }}.csv" }
    format: { csv: { columns: { id: ${type}${more} } } }
`;
  const users = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => {
      const name = `trips-${String(index + 1).padStart(2, '0')}`;
      return [
        `${name}.yaml`,
        pipeline(
          name,
          `schedule: { every: month, startAt: 2024-01-01 }\nblocks: [{ name: trips, use: load-trips, with: { month: "2026-${index}" } }]\n`,
        ),
      ];
    }),
  );
  const plan = planOf(
    { ...users, 'b.yaml': block('INTEGER', '') },
    { ...users, 'b.yaml': block('BIGINT', ', fare: DOUBLE') },
  );
  expect(plan.shared.map(({ pipelines }) => pipelines.length)).toEqual([30]);
  await expect(planMarkdown(plan)).toMatchFileSnapshot('golden/block.md');
});

test('a changed schedule shows the next windows of both, also where the clocks change', async () => {
  const at = (cron: string) =>
    pipeline('daily', `schedule: { cron: "${cron}", timeZone: Europe/Berlin, startAt: 2026-01-01 }\n${inline}`);
  const plan = planOf({ 'a.yaml': at('30 2 * * *') }, { 'a.yaml': at('30 3 * * *') }, { now: '2026-03-27T12:00:00Z' });
  await expect(planMarkdown(plan)).toMatchFileSnapshot('golden/schedule.md');
  const delayed = planOf(
    { 'a.yaml': at('30 2 * * *') },
    { 'a.yaml': at('30 2 * * *').replace('startAt', 'delay: 6h, startAt') },
  );
  expect(planText(delayed, pc.createColors(false))).toContain(
    '    ~ 2026-03-20 02:30 to 2026-03-21 02:30 → due 2026-03-21 08:30',
  );
});

test('a renamed table and a table that is replaced under its readers are warned of', async () => {
  const others = { 'c.yaml': connection, 'r.yaml': reader };
  const renamed = planOf(
    { ...others, 'a.yaml': writes('trips', 'taxi.trips', 'append') },
    { ...others, 'a.yaml': writes('trips', 'taxi.rides', 'append') },
  );
  await expect(planMarkdown(renamed)).toMatchFileSnapshot('golden/table.md');
  const replaced = planOf(
    { ...others, 'a.yaml': writes('trips', 'taxi.trips', 'append') },
    { ...others, 'a.yaml': writes('trips', 'taxi.trips', 'replace') },
  );
  expect(replaced.pipelines[0]?.warnings.map(({ message }) => message)).toEqual([
    'block "out" writes taxi.trips by replace instead of append',
    'block "out" replaces table taxi.trips, which report reads',
  ]);
});

test('new, retired and broken pipelines are told apart, and what a new one runs at once is counted', async () => {
  const base = {
    'old.yaml': pipeline('old', inline),
    'kept.yaml': pipeline('kept', inline),
    'same.yaml': pipeline('same', inline),
  };
  const plan = planOf(base, {
    'new.yaml': pipeline('new', `schedule: { every: month, startAt: 2024-01-01, catchUp: all }\n${inline}`),
    'kept.yaml': pipeline('kept', 'blocks: [{ nme: rows }]\n'),
    'same.yaml': base['same.yaml'],
  });
  expect(plan.pipelines.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'kept broken',
    'new added',
    'old retired',
  ]);
  expect(plan.pipelines[1]?.schedule?.dueAtOnce).toBe(26);
  expect(plan.unchanged).toBe(1);
  await expect(planText(plan, pc.createColors(false))).toMatchFileSnapshot('golden/kinds.txt');
});

test('code is shown as a diff, and a moved file changes nothing', async () => {
  const sql = (where: string) =>
    pipeline(
      'q',
      `blocks:\n  - { name: rows, load: { inline: { rows: [{ n: 1 }] } } }\n  - name: few\n    from: [rows]\n    transform:\n      sql: |\n        select *\n        from rows\n        where ${where}\n`,
    );
  const plan = planOf({ 'a.yaml': sql('n > 1') }, { 'b.yaml': sql('n > 2') });
  expect(plan.pipelines[0]?.code.map(({ diff }) => diff.split('\n').filter((line) => /^[-+]/.test(line)))).toEqual([
    ['-where n > 1', '+where n > 2'],
  ]);
  expect(planOf({ 'a.yaml': sql('n > 1') }, { 'b.yaml': sql('n > 1') })).toMatchObject({ pipelines: [], unchanged: 1 });
});

test('new secrets, hosts and images are permissions to look at', () => {
  const one = `${head('Connection', 'api')}spec: { http: { url: "https://a.example.org" } }\n`;
  const other = `${head('Connection', 'api')}spec: { http: { url: "https://b.example.org", headers: { key: { secretKeyRef: { name: api, key: token } } } } }\n`;
  const use = pipeline(
    'calls',
    'blocks: [{ name: rows, load: { http: { connection: api, url: "/x.json" }, format: { csv: { columns: { n: INTEGER } } } } }]\n',
  );
  const plan = planOf({ 'c.yaml': one, 'p.yaml': use }, { 'c.yaml': other, 'p.yaml': use });
  expect(plan.problems).toEqual([]);
  const [change] = plan.pipelines;
  expect(change?.warnings).toEqual([
    { kind: 'permission', message: 'reads the secret api/token' },
    { kind: 'permission', message: 'contacts b.example.org instead of a.example.org' },
  ]);
  expect(change?.through).toEqual(['Connection api']);
});

test('what a manifest says can neither format a comment nor call anybody', async () => {
  const evil = (text: string) => pipeline('evil', `description: ${JSON.stringify(text)}\n${inline}`);
  const plan = planOf({ 'a.yaml': evil('x') }, { 'a.yaml': evil('@team `` | <script> ```\n# big\n[x](http://x)') });
  const text = planMarkdown(plan);
  expect(text).not.toMatch(/^# big/m);
  await expect(text).toMatchFileSnapshot('golden/hostile.md');
});

test('what a manifest says cannot steer a terminal, or be read otherwise than it is written', () => {
  const evil = (text: string) => pipeline('evil', `description: ${JSON.stringify(text)}\n${inline}`);
  const plan = planOf({ 'a.yaml': evil('x') }, { 'a\u001b[2J.yaml': evil('\u001b[31mred\u202eback\u0007') });
  for (const text of [planText(plan, pc.createColors(false)), planMarkdown(plan)]) {
    expect(text).toContain('�[31mred�back�');
    for (const steering of ['\u001b', '\u202e', '\u0007']) expect(text).not.toContain(steering);
  }
});

test('a comment stays below what a forge takes, and says what is missing', () => {
  const many = (spec: string) =>
    Object.fromEntries(
      Array.from({ length: 2_000 }, (_, index) => [`${index}.yaml`, pipeline(`p${index}`, `${spec}${inline}`)]),
    );
  const text = planMarkdown(planOf(many(''), many('maxActiveRuns: 2\n')));
  expect(text.length).toBeLessThan(65_000);
  expect(text).toMatch(/… and [\d,]+ more parts; `pipewright plan` prints them all\./);
});

test('a pool with fewer slots than its users ask for, and a new backfill, are told', async () => {
  const pool = (slots: number) => `${head('Pool', 'gpu')}spec: { slots: ${slots} }\n`;
  const user = pipeline(
    'daily',
    `schedule: { every: day, startAt: 2020-01-01 }\nmaxActiveRuns: 4\npool: gpu\n${inline}`,
  );
  const backfill = `${head('Backfill', 'two-years')}spec: { pipeline: daily, from: "2020", to: "2022", order: newest, maxActiveRuns: 8 }\n`;
  const plan = planOf({ 'a.yaml': user, 'p.yaml': pool(8) }, { 'a.yaml': user, 'p.yaml': pool(2), 'b.yaml': backfill });
  expect(plan.problems).toEqual([]);
  expect(plan.pools).toEqual([
    { name: 'gpu', slots: { before: 8, after: 2 }, users: ['daily'], asked: 4, collisions: [] },
  ]);
  expect(plan.backfills).toMatchObject([{ windows: 731, first: '2021-12-31', last: '2020-01-01', maxActiveRuns: 8 }]);
  await expect(planMarkdown(plan)).toMatchFileSnapshot('golden/pool-and-backfill.md');
});

test('a change of code makes windows stale, and a change of labels does not', () => {
  const one = (more: string, n: number) =>
    pipeline('p', `${more}blocks: [{ name: rows, load: { inline: { rows: [{ n: ${n} }] } } }]\n`);
  const daily = 'schedule: { every: day, startAt: 2026-01-01 }\n';
  const stale = (base: string, changed: string) =>
    planOf({ 'a.yaml': base }, { 'a.yaml': changed }).pipelines.map(({ turnsStale }) => turnsStale);
  expect(stale(one(daily, 1), one(daily, 2))).toEqual([true]);
  expect(stale(one(daily, 1), one(`description: d\n${daily}`, 1))).toEqual([false]);
  // Without a schedule there are none.
  expect(stale(one('', 1), one('', 2))).toEqual([false]);
});
