import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, temporaryFolder } from './support.ts';

const attempts: [string, (outside: string) => string][] = [
  ['reads a file of the machine', () => "select * from read_text('/etc/passwd')"],
  ['reads a file by its bare name', () => "select * from '/etc/hosts.csv'"],
  ['lists folders', () => "select * from glob('/etc/*')"],
  ['reads a file through a query in a text', () => "select * from query('select * from read_blob(''/etc/passwd'')')"],
  ['reads beside its own folder', (outside) => `select * from read_text('${outside}/secret.txt')`],
  ['climbs out of its own folder', (outside) => `select * from read_text('${outside}/scratch/../secret.txt')`],
  ['writes a file', (outside) => `copy (select 1) to '${outside}/stolen.csv'`],
  ['attaches a database', (outside) => `attach '${outside}/other.db' as other`],
  ['installs an extension', () => 'install httpfs'],
  ['loads an extension', () => "load 'httpfs'"],
  ['changes a setting', () => 'set enable_external_access = true'],
  ['changes a setting by a pragma', () => "pragma memory_limit = '100GB'"],
  ['reads the environment', () => "select getenv('HOME') as home"],
  ['reads by http', () => "select * from read_csv('http://127.0.0.1:9/a.csv')"],
  [
    'breaks out of its parentheses',
    (outside) => `select 1) as x; copy (select 1) to '${outside}/stolen.csv'; select (1`,
  ],
];

test.each(attempts)('SQL that %s is refused', async (_, sqlFor) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'secret.txt'), 'secret');
  const { report } = await run({ blocks: [{ name: 'a', transform: { sql: sqlFor(folder) } }], folder });
  expect(report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed', error: { block: 'a' } });
  expect(report.error?.message).toMatch(/^block "a": \S/);
  expect(await readdir(folder)).toEqual(expect.not.arrayContaining(['stolen.csv', 'other.db']));
});

test('a check is refused as well when it reads what is not its own', async () => {
  const { report } = await run({
    blocks: [
      { name: 'a', transform: { sql: 'select 1 as n' }, checks: [{ sql: "select * from read_text('/etc/passwd')" }] },
    ],
  });
  expect(report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed', error: { block: 'a' } });
});
