import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Given } from '../../controller/git/sources.ts';
import { onProcesses } from '../../controller/manifests/place.ts';
import { startGitServer } from '../support/git-server.ts';
import { createTestLedger, manifest, type TestLedger } from '../support/ledger.ts';
import { createTestRepository, type TestRepository } from '../support/repository.ts';
import { createTestSync, givenSource } from '../support/sync.ts';

let ledger: TestLedger;
let home: string;
let repository: TestRepository;
let server: Awaited<ReturnType<typeof startGitServer>>;
beforeEach(async () => {
  ledger = await createTestLedger();
  home = await mkdtemp(join(tmpdir(), 'pipewright-home-'));
  repository = await createTestRepository();
  server = await startGitServer(dirname(repository.dir));
});
afterEach(async () => {
  await server.stop();
  await repository.remove();
  await ledger.close();
  await rm(home, { recursive: true });
});

const monthly = 'schedule: { every: month, startAt: 2019-01-01, endAt: 2019-04-01, catchUp: all }\n';
const git = (name = 'team') => givenSource(name, { git: { url: `${server.url}/${basename(repository.dir)}/.git` } });
/** A controller with these sources; a call of what is returned looks at all of them. */
function start(...given: Given[]): () => Promise<unknown> {
  const log = pino({ level: 'silent' });
  const parts = { pool: ledger.pool, place: onProcesses, wake: () => {}, failpoint: () => {}, log };
  const step = createTestSync({ ...parts, given, home });
  return () => step.pass(new AbortController().signal);
}
const pipelines = async () =>
  (
    await ledger.query(
      `select name || case when retired_at is null then '' else ', retired' end as line from pipelines order by name`,
    )
  ).map(({ line }) => line);

it('follows a forced push, and keeps the last good state when its branch is deleted', async () => {
  await repository.write({ 'x.yaml': manifest('x') });
  const first = await repository.commit();
  await repository.write({ 'y.yaml': manifest('y') });
  await repository.commit();
  const pass = start(git());
  await pass();
  expect(await pipelines()).toEqual(['x', 'y']);
  await repository.git('reset', '--quiet', '--hard', first);
  await repository.write({ 'z.yaml': manifest('z') });
  const forced = await repository.commit();
  await pass();
  expect(await pipelines()).toEqual(['x', 'y, retired', 'z']);
  await repository.git('branch', '-m', 'main', 'away');
  await pass();
  expect(await pipelines()).toEqual(['x', 'y, retired', 'z']);
  const [row] = await ledger.query(
    'select r.name as revision, r.author, failure from sources s join revisions r on r.id = s.revision_id',
  );
  expect(row).toEqual({
    revision: forced,
    author: 'Ada <ada@example.org>',
    failure: expect.stringMatching(/branch "main": it has no such branch, tag or commit/),
  });
});

it('shows the commit and the author of a problem as long as it lasts, and the newest commit that was read', async () => {
  await repository.write({ 'x.yaml': manifest('x') });
  await repository.commit();
  const pass = start(git());
  await pass();
  await repository.write({ 'x.yaml': manifest('x').replace('inline', 'inlined') });
  const broken = await repository.commit();
  await pass();
  await repository.write({ 'x.yaml': `# moved down\n${manifest('x').replace('inline', 'inlined')}` });
  await repository.git('config', 'user.name', 'Bob');
  await repository.commit();
  await repository.write({ 'read.me': 'not a manifest' });
  const newest = await repository.commit();
  await pass();
  const [row] = await ledger.query(
    `select p.line, r.name as "firstSeen", r.author, now.name as revision from problems p join revisions r on r.id = p.revision_id
       join sources s on s.id = p.source_id join revisions now on now.id = s.revision_id`,
  );
  expect(row).toEqual({ line: 8, firstSeen: broken, author: 'Ada <ada@example.org>', revision: newest });
});

it('has a mirror of its own, which goes when nobody declares it any more', async () => {
  await repository.write({ 'x.yaml': manifest('x') });
  await repository.commit();
  await start(git('one'), git('two'))();
  expect((await readdir(join(home, 'mirrors'))).sort()).toEqual(['one', 'two']);
  start(git('two'));
  await expect.poll(() => readdir(join(home, 'mirrors'))).toEqual(['two']);
});

it('takes a file that only moved for no change: no new version, no new calendar, the new place', async () => {
  await repository.write({ 'x.yaml': manifest('x', monthly) });
  await repository.commit();
  const pass = start(git());
  await pass();
  await ledger.pass('schedule');
  await repository.git('mv', 'x.yaml', 'y.yaml');
  await repository.commit();
  await pass();
  expect(
    await ledger.query(
      `select file, (select count(*)::int from versions) as versions, (select count(*)::int from calendars) as calendars,
         (select count(*)::int from runs) as runs from pipelines`,
    ),
  ).toEqual([{ file: 'y.yaml', versions: 1, calendars: 1, runs: 3 }]);
});
