import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createFollower, startNumbers } from './support/follower.ts';
import { firstStart, type Gitea, startGitea } from './support/gitea.ts';

const soon = { timeout: 30_000, interval: 50 };
const patience = { timeout: 120_000, interval: 200 };

let gitea: Gitea;
let numbers: Awaited<ReturnType<typeof startNumbers>>;
let follower: Awaited<ReturnType<typeof createFollower>>;
beforeAll(async () => {
  gitea = await startGitea();
  numbers = await startNumbers();
}, firstStart);
afterEach(() => follower.close());
afterAll(async () => {
  await numbers?.stop();
  await gitea?.stop();
});

/** Reads a path of the test's server for each month from 2019-01 to before `endAt`. */
function monthly(path: string, endAt: string): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: months }
spec:
  schedule: { every: month, startAt: 2019-01-01, endAt: ${endAt}, catchUp: all }
  maxActiveRuns: 2
  blocks:
    - name: numbers
      load:
        http: { url: "${numbers.url}${path}" }
        format: { csv: { columns: { n: INTEGER } } }
`;
}

const query = async (sql: string) => (await follower.controller.ledger.query(sql)).rows;
const runs = () =>
  query(`select r.name, r.phase, rev.name as commit from runs r
         join versions v on v.id = r.version_id join revisions rev on rev.id = v.revision_id order by r.name`);

it.each(['http', 'ssh'] as const)(
  'a push over %s reaches the controller by web hook: the next window runs the new version, the old run keeps its own',
  async (over) => {
    follower = await createFollower(gitea, { name: `months-${over}`, over });
    await follower.start();
    const slow = `/slow-${over}`;
    const quick = `/quick-${over}`;
    await follower.clone.write({ 'pipelines/months.yaml': monthly(slow, '2019-02-01') });
    const first = await follower.push(over);
    await expect.poll(() => numbers.askedAt(slow), soon).toBeDefined();

    await follower.clone.write({ 'pipelines/months.yaml': monthly(quick, '2019-03-01') });
    const begun = performance.now();
    const second = await follower.push(over);
    const pushed = performance.now();
    await expect.poll(() => numbers.askedAt(quick), soon).toBeDefined();
    const asked = numbers.askedAt(quick) ?? 0;
    process.stderr.write(
      `push over ${over} to first task: ${Math.round(asked - begun)} ms, of which the push took ${Math.round(pushed - begun)} ms\n`,
    );
    await expect.poll(runs, soon).toMatchObject([
      { name: 'months-2019-01', phase: 'Running' },
      { name: 'months-2019-02', phase: 'Succeeded' },
    ]);
    numbers.release(slow);
    await expect.poll(runs, soon).toEqual([
      { name: 'months-2019-01', phase: 'Succeeded', commit: first },
      { name: 'months-2019-02', phase: 'Succeeded', commit: second },
    ]);
  },
);

it('the forge shows of every commit how it went', async () => {
  follower = await createFollower(gitea, { name: 'shown', over: 'http' });
  await follower.start();
  const good = monthly('/quick', '2019-02-01');
  await follower.clone.write({ 'pipelines/months.yaml': good });
  const first = await follower.push();
  const context = 'pipewright/shown';
  await expect
    .poll(() => follower.statuses(first), soon)
    .toMatchObject([{ status: 'success', context, description: '1 pipeline, 1 changed' }]);
  await follower.clone.write({ 'pipelines/months.yaml': good.replace('maxActiveRuns', 'maxActiveRun') });
  const broken = await follower.push();
  await expect
    .poll(() => follower.statuses(broken), soon)
    .toMatchObject([
      { status: 'failure', context, description: expect.stringMatching(/^months\.yaml:6: .*maxActiveRun/) },
    ]);
  await follower.clone.write({ 'pipelines/months.yaml': good });
  const mended = await follower.push();
  await expect
    .poll(() => follower.statuses(mended), soon)
    .toMatchObject([{ status: 'success', context, description: '1 pipeline, nothing changed' }]);
  expect(await follower.statuses(first)).toHaveLength(1);
});

it('many pushes in quick succession end at the last one, and no run is lost', async () => {
  const pushes = Number(process.env.PIPEWRIGHT_PUSHES ?? 200);
  const months = pushes / 10;
  follower = await createFollower(gitea, { name: 'flood', over: 'http' });
  await follower.start();
  const commits: string[] = [];
  for (let push = 1; push <= pushes; push += 1) {
    const end = new Date(Date.UTC(2019, Math.ceil((push * months) / pushes), 1)).toISOString().slice(0, 10);
    await follower.clone.write({ 'pipelines/months.yaml': monthly(`/quick-${push}`, end) });
    commits.push(await follower.clone.commit());
  }
  const begun = performance.now();
  for (const commit of commits) await follower.send(commit);
  const pushed = performance.now();
  const last = commits.at(-1) ?? '';
  await expect.poll(() => follower.statuses(last), patience).toMatchObject([{ status: 'success' }]);
  const [{ revisions }] = await query('select count(*)::int as revisions from revisions');
  process.stderr.write(
    `${pushes} pushes in ${Math.round((pushed - begun) / 1_000)} s, of which ${revisions} were read; the last one ${Math.round(performance.now() - pushed)} ms later\n`,
  );
  const byPhase =
    'select phase, count(*)::int as runs, count(distinct window_start)::int as windows from runs group by phase';
  await expect.poll(() => query(byPhase), patience).toEqual([{ phase: 'Succeeded', runs: months, windows: months }]);
  const current = await query(
    'select r.name as commit from pipelines p join versions v on v.id = p.version_id join revisions r on r.id = v.revision_id',
  );
  expect(current).toEqual([{ commit: last }]);
  expect(revisions).toBeLessThanOrEqual(pushes);
}, 600_000);
