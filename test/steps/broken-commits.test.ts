import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onProcesses } from '../../controller/manifests/place.ts';
import type { Step } from '../../controller/steps/step.ts';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool } from '../../controller/store/pool.ts';
import { manifest } from '../support/ledger.ts';
import { createMirrored, type Mirrored } from '../support/mirrored.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { createTestSync } from '../support/sync.ts';

const run = promisify(execFile);
const log = pino({ level: 'silent' });
const login = { user: 'git', password: 'sesame-1' };
const { signal } = new AbortController();

let ground: Mirrored;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: pg.Pool;
let sync: Step;
let signing: string[];

const connection = (password: string) =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: Connection\nmetadata: { name: warehouse }\nspec:\n  postgres:\n    host: db\n    database: d\n    user: u\n    password: ${password}\n`;
const block =
  'apiVersion: pipewright.dev/v1alpha1\nkind: Block\nmetadata: { name: shared }\nspec:\n  load: { inline: { rows: [{ n: 1 }] } }\n';
const monthly = 'schedule:\n  cron: "0 6 1 * *"\n';

/** What is well. `sound` changes with every commit, and must be seen to go on. */
const well: Readonly<Record<string, string>> = {
  'team/broken.yaml': manifest('broken', monthly),
  'team/other.yaml': manifest('other'),
  'team/shared.yaml': block,
  'team/user.yaml': manifest('user', '', '    - name: one\n      use: shared\n'),
  'team/warehouse.yaml': connection('"{{ env_var(\'PASSWORD\') }}"'),
};
const names = ['broken', 'other', 'sound', 'user'];
let edition = 0;

beforeAll(async () => {
  ground = await createMirrored(login);
  const key = join(ground.home, 'key');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
  signing = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${key}`];
  const values = new Map([
    ['username', login.user],
    ['password', login.password],
    ['allowed_signers', `ada@example.org ${await readFile(`${key}.pub`, 'utf8')}`],
  ]);
  database = await createTestDatabase();
  await migrate({ url: database.url, log });
  pool = createPool({ url: database.url, log });
  const git = {
    url: ground.url,
    path: 'team',
    secretRef: { name: 'login' },
    verify: { mode: 'commit' as const, signersRef: { name: 'signers' } },
  };
  sync = createTestSync({
    ...{ pool, log, place: onProcesses, failpoint: () => {}, wake: () => {}, home: ground.home },
    given: [{ declaration: { name: 'team-a', everyMs: 60_000, spec: { git } }, secrets: { read: async () => values } }],
  });
  await commit(well);
  await sync.pass(signal);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
  await ground.close();
});

/** Commits all of these and a new `sound`; null removes a file. */
async function commit(files: Readonly<Record<string, string | null>>, { signed = true } = {}): Promise<void> {
  const { repository } = ground;
  edition += 1;
  await repository.write({ 'team/sound.yaml': manifest('sound').replace('n: 1', `n: ${edition}`) });
  for (const [path, text] of Object.entries(files)) {
    await rm(join(repository.dir, path), { force: true });
    if (text?.startsWith('-> ')) await repository.link(text.slice(3), path);
    else if (text !== null) await repository.write({ [path]: text });
  }
  await repository.git('add', '--all');
  await repository.git(...(signed ? signing : []), 'commit', '--quiet', ...(signed ? ['-S'] : []), '-m', 'change');
}

const query = async (sql: string) => (await pool.query(sql)).rows;
/** Pipelines that have a good version; `sound` with how many it had. */
const catalog = () =>
  query(`select name, (select count(*)::int from versions v where v.pipeline_id = p.id) as versions
    from pipelines p where retired_at is null order by name`);
const problems = async () => {
  const rows = await query(`select p.file || ':' || p.line || ' ' || p.code || ' by ' || r.author as line
    from problems p join revisions r on r.id = p.revision_id order by 1`);
  return rows.map(({ line }) => line);
};
const failure = async () => (await query('select failure from sources'))[0].failure;

const broken = well['team/broken.yaml'] as string;
const lines = (level: number) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}]`;
const bomb = `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, level) => lines(level)).join('\n')}\n`;

const commits: readonly [name: string, files: Readonly<Record<string, string | null>>, problems: readonly string[]][] =
  [
    ['a syntax error', { 'team/broken.yaml': `${broken}    - name: [\n` }, ['broken.yaml:11 syntax']],
    [
      'an unknown field',
      { 'team/broken.yaml': broken.replace('spec:', 'spec:\n  retries: 3') },
      ['broken.yaml:5 unknown-field'],
    ],
    [
      'a cycle',
      {
        'team/broken.yaml': manifest(
          'broken',
          monthly,
          '    - name: one\n      from: [two]\n      transform: { sql: select 1 }\n    - name: two\n      from: [one]\n      transform: { sql: select 1 }\n',
        ),
      },
      ['broken.yaml:8 cycle'],
    ],
    ['a deleted Block in use', { 'team/shared.yaml': null }, ['user.yaml:7 unknown-block']],
    [
      'one name in two files',
      { 'team/twice.yaml': broken },
      ['broken.yaml:3 duplicate-name', 'twice.yaml:3 duplicate-name'],
    ],
    ['a symbolic link out of the tree', { 'team/out.yaml': '-> /etc/passwd' }, ['out.yaml:1 unsafe-path']],
    ['a file of 50 MB', { 'team/broken.yaml': `# ${'x'.repeat(50_000_000)}\n${broken}` }, ['broken.yaml:1 too-large']],
    ['aliases that multiply', { 'team/bomb.yaml': bomb }, ['bomb.yaml:1 syntax']],
    ['a bad cron', { 'team/broken.yaml': broken.replace('0 6 1 * *', '0 25 1 * *') }, ['broken.yaml:6 bad-cron']],
    [
      'a secret in clear text',
      { 'team/warehouse.yaml': connection('open-barley') },
      ['warehouse.yaml:9 clear-text-secret'],
    ],
    [
      'a file that differs from another one only by case',
      { 'team/Broken.yaml': manifest('copy') },
      ['broken.yaml:1 same-path'],
    ],
  ];

test.each(commits)('%s is refused with its line and its author, and all else goes on', async (_, files, expected) => {
  await commit(files);
  await sync.pass(signal);
  const found = { problems: await problems(), pipelines: await catalog(), failure: await failure() };
  const sound = edition;
  await commit(Object.fromEntries(Object.keys(files).map((path) => [path, well[path] ?? null])));
  await sync.pass(signal);
  expect(found).toEqual({
    problems: expected.map((line) => `${line} by Ada <ada@example.org>`),
    pipelines: names.map((name) => ({ name, versions: name === 'sound' ? sound : 1 })),
    failure: null,
  });
  // The fix: nothing is left of it.
  expect(await problems()).toEqual([]);
  const rows = await query('select name, ready from pipelines where retired_at is null order by name');
  expect(rows).toEqual(names.map((name) => ({ name, ready: true })));
});

test('an unsigned commit is refused as a whole, what was synced goes on, and the next signed one is taken', async () => {
  const before = await catalog();
  await commit({}, { signed: false });
  await sync.pass(signal);
  expect(await failure()).toMatch(/branch "main": commit \w{12} bears no signature, and only signed ones are taken/);
  expect(await catalog()).toEqual(before);
  await commit({});
  await sync.pass(signal);
  expect(await failure()).toBeNull();
  // The refused edition was never a version.
  expect((await catalog()).find(({ name }) => name === 'sound')?.versions).toBe(edition - 1);
});
