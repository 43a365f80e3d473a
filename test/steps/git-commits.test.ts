import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHookApi } from '../../controller/api/hook-server.ts';
import { createSources } from '../../controller/git/sources.ts';
import { runLoop } from '../../controller/loop.ts';
import { onProcesses } from '../../controller/manifests/place.ts';
import { createSignals } from '../../controller/signals.ts';
import { createSync } from '../../controller/steps/sync.ts';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { createMirrored, type Mirrored } from '../support/mirrored.ts';
import { createTestSync, givenSource } from '../support/sync.ts';

const log = pino({ level: 'silent' });
const { signal } = new AbortController();
const monthly = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-07-01, catchUp: all }\n';

let ledger: TestLedger;
let ground: Mirrored;
beforeEach(async () => {
  ledger = await createTestLedger();
  ground = await createMirrored();
});
afterEach(async () => {
  await ledger.close();
  await ground.close();
});

const source = () => givenSource('local', { git: { url: ground.url, path: 'team' } });
const parts = () => ({ pool: ledger.pool, place: onProcesses, wake: () => {}, failpoint: () => {}, log });
/** A controller on the repository, as it starts. */
function start(failpoint: Failpoint = () => {}): () => Promise<unknown> {
  const step = createTestSync({ ...parts(), failpoint, given: [source()], home: ground.home });
  return () => step.pass(signal);
}

async function push(files: Record<string, string>, ...gone: string[]): Promise<string> {
  await ground.repository.write(files);
  for (const path of gone) await ground.repository.git('rm', '--quiet', path);
  return ground.repository.commit();
}

it.each(['sync.before-read', 'sync.after-read', 'sync.after-compile', 'sync.before-commit', 'sync.after-commit'])(
  'what a controller that dies at %s leaves of a commit, the next one completes',
  async (name) => {
    await push({ 'team/a.yaml': manifest('a'), 'team/b.yaml': manifest('b'), 'team/c.yaml': manifest('c') });
    await start()();
    const next = {
      'team/a.yaml': manifest('a', monthly),
      'team/moved/c.yaml': manifest('c'),
      'team/d.yaml': manifest('d'),
    };
    const commit = await push(next, 'team/b.yaml', 'team/c.yaml');
    let died = false;
    const dying = start((each) => {
      if (each !== name) return;
      died = true;
      throw new Error('killed');
    });
    await expect(dying()).rejects.toThrow('killed');
    expect(died).toBe(true);
    await start()();
    const pipelines = await ledger.query(
      `select p.name, p.file, p.retired_at is not null as retired, count(v.id)::int as versions
       from pipelines p join versions v on v.pipeline_id = p.id group by p.id order by p.name`,
    );
    expect(pipelines).toEqual([
      { name: 'a', file: 'a.yaml', retired: false, versions: 2 },
      { name: 'b', file: 'b.yaml', retired: true, versions: 1 },
      { name: 'c', file: 'moved/c.yaml', retired: false, versions: 1 },
      { name: 'd', file: 'd.yaml', retired: false, versions: 1 },
    ]);
    const audit = await ledger.query(
      `select verb, subject from audit where actor = 'sync' and subject_kind = 'pipeline' order by id offset 3`,
    );
    expect(audit.map(({ verb, subject }) => `${verb} ${subject}`)).toEqual(['version a', 'version d', 'retired b']);
    expect(
      await ledger.query('select r.name, s.failure from sources s join revisions r on r.id = s.revision_id'),
    ).toEqual([{ name: commit, failure: null }]);
  },
);

it('writes what a commit changes, and locks or writes nothing of other pipelines', async () => {
  await push({ 'team/a.yaml': manifest('a', monthly), 'team/b.yaml': manifest('b', monthly) });
  const sync = start();
  await sync();
  const rows = () => ledger.query('select name, xmin::text, xmax::text from pipelines order by name');
  const [a, b] = await rows();
  await push({ 'team/b.yaml': manifest('b', `${monthly}maxActiveRuns: 2\n`) });
  await sync();
  const after = await rows();
  expect(after[0]).toEqual(a);
  expect(after[1]).not.toEqual(b);
});

it('two hundred pushes in a row end at the last one, with every window run once', async () => {
  await push({ 'team/a.yaml': manifest('a', monthly) });
  const commits = await manyCommits(200);
  const controller = await startLoops();
  try {
    for (const commit of commits) {
      await moveBranch(commit);
      expect((await controller.hook()).status).toBe(202);
    }
    const revision = async () => (await ledger.query('select name from revisions order by id desc limit 1'))[0]?.name;
    await expect.poll(revision, { timeout: 60_000 }).toBe(commits.at(-1));
    const runs = async () => {
      ledger.fake.endAll('Succeeded');
      controller.wake('observe');
      return (await ledger.runs()).filter((line) => line.endsWith('Succeeded'));
    };
    await expect.poll(runs, { timeout: 60_000 }).toHaveLength(6);
    expect((await ledger.runs()).map((line) => line.replace(' Succeeded', ''))).toEqual(
      ['01', '02', '03', '04', '05', '06'].map((month) => `a-2019-${month}`),
    );
    const [{ seen }] = await ledger.query('select count(*)::int as seen from revisions');
    expect(seen).toBeLessThan(200);
  } finally {
    await controller.close();
  }
});

/** Commits one after the other, each with another version of the pipeline, which the branch does not name yet. */
async function manyCommits(count: number): Promise<string[]> {
  const { git, commitMany } = ground.repository;
  const first = await git('rev-parse', 'main');
  const text = (index: number) => manifest('a', `${monthly}description: push ${index}\n`);
  const commits = await commitMany(Array.from({ length: count }, (_, index) => [['team/a.yaml', text(index)]]));
  await git('update-ref', 'refs/heads/main', first);
  return commits;
}

/** As a push ends. */
async function moveBranch(commit: string): Promise<void> {
  const ref = join(ground.repository.dir, '.git/refs/heads/main');
  await writeFile(`${ref}.new`, `${commit}\n`);
  await rename(`${ref}.new`, ref);
}

/** All steps at work by themselves, and a hook that wakes the sync. */
async function startLoops() {
  const stop = new AbortController();
  const signals = createSignals();
  const sources = createSources({
    home: ground.home,
    given: [source()],
    onHint: () => signals.wake('sync'),
    signal: stop.signal,
  });
  const { sync: _folder, ...steps } = ledger.start({ wake: signals.wake });
  const sync = createSync({ ...parts(), wake: signals.wake, sources });
  const loops = Promise.all(
    [sync, ...Object.values(steps)].map((step) => runLoop({ step, signals, signal: stop.signal, log })),
  );
  const secret = 'a long secret of the forge';
  const hooks = createHookApi({ secret, onPush: () => sources.hint(), log, gapMs: 100 });
  const url = `${await hooks.listen({ host: '127.0.0.1', port: 0 })}/hooks/git`;
  return {
    wake: signals.wake,
    hook: () => fetch(url, { method: 'POST', headers: { authorization: `Bearer ${secret}` } }),
    async close(): Promise<void> {
      stop.abort();
      await loops;
      await hooks.close();
    },
  };
}
