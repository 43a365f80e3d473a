import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase } from '../../support/postgres.ts';
import { launch, pipewright } from './command.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-local-'));
  for (const name of ['pipelines', 'tmp']) await mkdir(join(folder, name));
});
afterEach(() => rm(folder, { recursive: true }));

function pipeline(name: string, spec: string): Promise<void> {
  const text = `apiVersion: pipewright.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: ${name} }\nspec:\n${spec}`;
  return writeFile(join(folder, 'pipelines', `${name}.yaml`), text);
}

// Temporary files of the run go into a folder that can be looked at.
const surroundings = (env: Record<string, string> = {}) => ({
  cwd: folder,
  env: { TMPDIR: join(folder, 'tmp'), NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...env },
});
const run = (name: string, args: string[] = [], env: Record<string, string> = {}) =>
  pipewright(['run', name, '--local', ...args], surroundings(env));

async function runJson(name: string, args: string[] = []) {
  const { code, stdout } = await run(name, [...args, '--output', 'json']);
  return { code, value: JSON.parse(stdout) };
}

const rows = '    - name: numbers\n      load: { inline: { rows: [{ n: 1, word: one }, { n: 2, word: two }] } }\n';

describe('run --local', () => {
  test('runs a pipeline here, tells what its blocks did, and shows a sample', async () => {
    await pipeline(
      'simple',
      `  blocks:\n${rows}    - name: doubled\n      from: [numbers]\n      transform: { sql: "select n * 2 as twice, word from numbers" }\n      checks: [{ expect: twice > 0 }]\n`,
    );
    const { code, stdout } = await run('simple');
    expect(stdout).toMatch(/^Task doubled {2}Succeeded/m);
    expect(stdout).toMatch(/^ +✓ twice > 0$/m);
    expect(stdout).toMatch(/Sample of doubled \(2 rows\)[\s\S]*twice[\s\S]*4[\s\S]*two/);
    expect(stdout).toMatch(/\nSucceeded in [\d.]+m?s\n$/);
    expect(code).toBe(0);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  test('ends with 1 and says where a block failed', async () => {
    await pipeline(
      'failing',
      `  blocks:\n${rows}    - name: broken\n      from: [numbers]\n      transform: { sql: "select nothing from numbers" }\n`,
    );
    const { code, stdout } = await run('failing');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ +TransformFailed: .*nothing/m);
    expect(stdout).toMatch(/at block "broken", pipelines\/failing\.yaml:\d+/);
    expect(stdout).toMatch(/\nFailed in /);
  });

  test('takes variables, converts them, and refuses what does not fit', async () => {
    await pipeline(
      'varied',
      `  variables:\n    least: { type: integer, default: 0 }\n  blocks:\n${rows}    - name: some\n      from: [numbers]\n      transform: { sql: "select n from numbers where n >= {{ least }}" }\n`,
    );
    const { value } = await runJson('varied', ['--var', 'least=2']);
    expect(value.tasks.at(-1).report.sample.rows).toEqual([['2']]);
    expect(await run('varied', ['--var', 'least=few'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^pipewright: pipeline "varied": variable "least" is "few", which is not an integer/,
      ),
    });
    expect(await run('varied', ['--var', 'lest=2'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no variable "lest"; did you mean "least"\?/),
    });
  });

  test('runs for the window that is named, or for the latest closed one', async () => {
    await pipeline(
      'monthly',
      `  schedule: { every: month, timeZone: America/New_York, endAt: 2021-01-01 }\n  blocks:\n${rows}    - name: bounds\n      from: [numbers]\n      transform: { sql: "select {{ window.start.format('%Y-%m') }} as month from numbers limit 1" }\n`,
    );
    expect((await runJson('monthly', ['--window', '2019-02'])).value).toMatchObject({
      pipeline: 'monthly',
      window: { start: '2019-02-01T05:00:00.000Z', end: '2019-03-01T05:00:00.000Z', label: '2019-02' },
      phase: 'Succeeded',
      tasks: [{ report: { sample: { rows: [['2019-02']] } } }],
    });
    expect((await runJson('monthly')).value.window.label).toBe('2020-12');
    expect(await run('monthly', ['--window', '2019-01-15'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^pipewright: pipeline "monthly": no window starts at "2019-01-15".*the nearest are 2019-01 and 2019-02\n$/,
      ),
    });
  });

  test('passes over what a condition or a failure stands before, as the controller does', async () => {
    const task = (name: string, more: string) => `    - name: ${name}\n      isolate: true\n${more}`;
    const sql = (text: string) => `      transform: { sql: "${text}" }\n`;
    await pipeline(
      'branched',
      `  variables:\n    full: { type: boolean, default: false }\n  blocks:\n${rows}${task('skipped', `      from: [numbers]\n      when: full\n${sql('select 1 as x')}`)}${task('after_skipped', `      from: [skipped]\n${sql('select * from skipped')}`)}${task('failed', `      from: [numbers]\n${sql("select error('no') as x from numbers")}`)}${task('after_failed', `      from: [failed]\n${sql('select * from failed')}`)}`,
    );
    const { code, value } = await runJson('branched');
    expect([code, value.phase]).toEqual([1, 'Failed']);
    expect(
      value.tasks.map((each: { name: string; phase: string; reason: string }) => [each.name, each.phase, each.reason]),
    ).toEqual(
      expect.arrayContaining([
        ['skipped', 'Skipped', 'ConditionFalse'],
        ['after_skipped', 'Skipped', 'UpstreamSkipped'],
        ['failed', 'Failed', 'TransformFailed'],
        ['after_failed', 'Skipped', 'UpstreamFailed'],
      ]),
    );
  });

  test('refuses a pipeline that is not there, and one that has problems, which it prints', async () => {
    await pipeline('wrong', '  blocks:\n    - name: one\n      lode: 1\n');
    expect(await run('nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^pipewright: there is no pipeline "nowhere" in pipelines\//),
    });
    const { code, stderr } = await run('wrong');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^pipelines\/wrong\.yaml:\d+:\d+ error [\s\S]*pipewright: pipeline "wrong" has problems; mend them first\n$/,
    );
    expect(await run('any', ['--dir', 'nothing'])).toMatchObject({ code: 2 });
  });

  test('refuses a pipeline that needs a cluster', async () => {
    await pipeline('imaged', '  blocks:\n    - { name: tool, container: { image: busybox } }\n');
    await pipeline('other', `  blocks:\n${rows}`);
    const { code, stderr } = await run('imaged');
    expect(code).toBe(1);
    expect(stderr).toMatch(/imaged\.yaml:6:21 error .*tasks run as processes here.*\[needs-cluster\]/);
    expect((await run('other')).code).toBe(0);
  });

  test('finds the warehouse of `start` in the home, unless POSTGRES_HOST names another, and secrets there too', async () => {
    const database = await createTestDatabase();
    const url = new URL(database.url);
    await writeFile(
      join(folder, 'pipelines', 'warehouse.yaml'),
      `apiVersion: pipewright.dev/v1alpha1\nkind: Connection\nmetadata: { name: warehouse }\nspec:\n  postgres:\n    host: "{{ env_var('POSTGRES_HOST') }}"\n    port: "{{ env_var('POSTGRES_PORT') }}"\n    database: "{{ env_var('POSTGRES_DBNAME') }}"\n    user: "{{ env_var('POSTGRES_USER') }}"\n    password: { secretKeyRef: { name: warehouse, key: password } }\n`,
    );
    await pipeline(
      'exporting',
      `  blocks:\n${rows}    - name: kept\n      from: [numbers]\n      export: { postgres: { connection: warehouse, table: kept, write: { mode: replace } } }\n`,
    );
    await mkdir(join(folder, '.pipewright', 'secrets', 'warehouse'), { recursive: true });
    await writeFile(
      join(folder, '.pipewright', 'secrets', 'warehouse', 'password'),
      `${decodeURIComponent(url.password)}\n`,
    );
    const environment = {
      POSTGRES_HOST: url.hostname,
      POSTGRES_PORT: url.port,
      POSTGRES_DBNAME: url.pathname.slice(1),
      POSTGRES_USER: url.username,
    };
    await writeFile(join(folder, '.pipewright', 'warehouse.json'), JSON.stringify(environment));
    const client = new pg.Client(database.url);
    await client.connect();
    const count = async () => (await client.query('select count(*)::int as n from kept')).rows[0].n;

    expect(await run('exporting')).toMatchObject({ code: 0 });
    expect(await count()).toBe(2);
    await writeFile(
      join(folder, '.pipewright', 'warehouse.json'),
      JSON.stringify({ ...environment, POSTGRES_DBNAME: 'elsewhere' }),
    );
    expect(await run('exporting')).toMatchObject({ code: 1 });
    await client.query('delete from kept');
    expect(await run('exporting', [], environment)).toMatchObject({ code: 0 });
    expect(await count()).toBe(2);
    await client.end();
    await database.drop();
  });

  test('stops on Ctrl-C and leaves nothing behind', async () => {
    const server = createServer((_request, response) => void response.writeHead(200).write('n\n')).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await pipeline(
      'endless',
      `  blocks:\n    - name: slow\n      load: { http: { url: "http://127.0.0.1:${port}/slow.csv" }, format: { csv: { columns: { n: INTEGER } } } }\n`,
    );
    const asked = once(server, 'request');
    const child = launch(['run', 'endless', '--local'], surroundings());
    await asked;
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    server.closeAllConnections();
    server.close();
  });
});
