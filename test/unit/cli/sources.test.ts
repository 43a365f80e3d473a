import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onProcesses } from '../../../controller/manifests/place.ts';
import type { PipelineSourceResourceSpec } from '../../../schemas/generated/types.ts';
import { startGitServer } from '../../support/git-server.ts';
import { createTestLedger, manifest, type TestLedger } from '../../support/ledger.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';
import { createTestSync, givenSource } from '../../support/sync.ts';
import { serve } from './server.ts';

let ledger: TestLedger;
let repository: TestRepository;
let server: Awaited<ReturnType<typeof startGitServer>>;
let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  ledger = await createTestLedger();
  repository = await createTestRepository();
  server = await startGitServer(dirname(repository.dir));
  api = await serve({ pool: ledger.pool, wake: () => {} });
});
afterAll(async () => {
  await api.close();
  await server.stop();
  await repository.remove();
  await ledger.close();
});

async function sync(...specs: [name: string, spec: PipelineSourceResourceSpec][]): Promise<void> {
  const given = specs.map((each) => givenSource(...each));
  const log = pino({ level: 'silent' });
  const parts = { pool: ledger.pool, place: onProcesses, wake: () => {}, failpoint: () => {}, log };
  await createTestSync({ ...parts, given, home: join(ledger.dir, 'home') }).pass(new AbortController().signal);
}
const cells = (text: string) => text.split('\n').map((line) => line.split(/ {2,}/));

test('says how to have a source where there is none', async () => {
  expect((await api.ask('sources')).stdout).toBe(
    'No source is declared: give `pipewright start` a folder, --git or --source.\n',
  );
});

test('lists what was read of each, who made it, why one cannot be read, and problems with the commit that brought them', async () => {
  const url = `${server.url}/${basename(repository.dir)}/.git`;
  await repository.write({ 'jobs/x.yaml': manifest('x') });
  await repository.commit();
  await ledger.write({ 'one/a.yaml': manifest('a'), 'gone/b.yaml': manifest('b') });
  const gone = join(ledger.dir, 'gone');
  const all: [string, PipelineSourceResourceSpec][] = [
    ['folder', { folder: { path: join(ledger.dir, 'one') } }],
    ['gone', { folder: { path: gone } }],
    ['idle', { folder: { path: join(ledger.dir, 'one') }, suspend: true }],
    ['team', { git: { url, path: 'jobs' } }],
  ];
  await sync(...all);
  await repository.write({ 'jobs/x.yaml': manifest('x').replace('inline', 'inlined') });
  const broken = await repository.commit();
  await rm(gone, { recursive: true });
  await sync(...all);

  const { stdout } = await api.ask('sources');
  const [header, ...rows] = cells(stdout);
  expect(header).toEqual(['NAME', 'LOCATION', 'REF', 'REVISION', 'AUTHOR', 'SYNCED', 'PIPELINES', 'STATE']);
  const by = 'Ada <ada@example.org>';
  expect(rows.slice(0, 4).map(([name, location, ...more]) => [name, location, more.at(-1)])).toEqual([
    ['folder', join(ledger.dir, 'one'), 'ready'],
    ['gone', gone, 'failing'],
    ['idle', join(ledger.dir, 'one'), 'suspended'],
    ['team', `${url} (jobs)`, '1 problem'],
  ]);
  expect(rows[3]).toEqual(expect.arrayContaining(['branch main', broken.slice(0, 12), by, '1']));
  expect(stdout).toMatch(/^gone cannot be read since .+ ago: folder ".*gone" cannot be read \(ENOENT\); create it/m);
  expect(stdout).toContain(`[unknown-field], of team, since ${broken.slice(0, 12)} by ${by}\n`);

  const { sources } = JSON.parse((await api.ask('sources', '-o', 'json')).stdout);
  expect(sources[3]).toMatchObject({
    ...{ name: 'team', kind: 'git', location: url, ref: 'branch main', path: 'jobs', environment: null },
    ...{ suspended: false, revision: broken, author: by, pipelines: 1, problemCount: 1, failure: null, failedAt: null },
    problems: [{ file: 'x.yaml', line: 7, pipeline: 'x', source: 'team', revision: broken, author: by }],
  });
  expect((await api.ask('pipelines')).stdout).toContain(`since ${broken.slice(0, 12)} by ${by}`);
});

test('leaves out what is no longer declared', async () => {
  await sync(['folder', { folder: { path: join(ledger.dir, 'one') } }]);
  const { sources } = JSON.parse((await api.ask('sources', '-o', 'json')).stdout);
  expect(sources.map(({ name }: { name: string }) => name)).toEqual(['folder']);
});
