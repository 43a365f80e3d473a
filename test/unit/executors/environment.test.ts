import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runnerEnvironment } from '../../../controller/executors/processes/environment.ts';
import { createAllowance } from '../../../controller/one-machine.ts';
import { secretVariable } from '../../../schemas/secrets.ts';

let secretsDir: string;

beforeEach(async () => {
  secretsDir = await mkdtemp(join(tmpdir(), 'pipewright-secrets-'));
});

afterEach(() => rm(secretsDir, { recursive: true }));

function environment(options: {
  controller?: Record<string, string>;
  names?: string[];
  allow?: string[];
  secrets?: { name: string; key: string }[];
}): Promise<NodeJS.ProcessEnv> {
  const { controller = {}, names = [], allow = names, secrets = [] } = options;
  return runnerEnvironment(
    { environment: names, secrets, scratch: '/attempt/scratch' },
    { environment: controller, allowEnvironment: (name) => allow.includes(name), secretsDir },
  );
}

const always = { HOME: '/attempt/scratch', TZ: 'UTC', UV_THREADPOOL_SIZE: '16' };

test('of the variables of the controller a runner gets those that its connections name and that are allowed', async () => {
  const controller = { PATH: '/bin', LANG: 'de', HOST: 'a', PASSWORD: 'b', OTHER: 'c', AWS_SECRET_ACCESS_KEY: 'd' };
  expect(
    await environment({ controller, names: ['HOST', 'PASSWORD', 'MISSING'], allow: ['HOST', 'OTHER', 'MISSING'] }),
  ).toEqual({ ...always, PATH: '/bin', LANG: 'de', HOST: 'a' });
});

test('a connection that names HOME does not learn the home of the controller’s user', async () => {
  expect(await environment({ controller: { HOME: '/homes/me', TZ: 'Mars' }, names: ['HOME', 'TZ'] })).toEqual(always);
});

test('certificates and failpoints are passed on', async () => {
  const controller = { NODE_EXTRA_CA_CERTS: '/ca.pem', PIPEWRIGHT_FAILPOINT: 'x', PIPEWRIGHT_FAILPOINT_ONCE: '/y' };
  expect(await environment({ controller })).toEqual({ ...always, ...controller });
});

test('a secret is the content of its file, without a line break at the end', async () => {
  await mkdir(join(secretsDir, 'warehouse'));
  await writeFile(join(secretsDir, 'warehouse', 'password'), 'two\nlines\n');
  const secret = { name: 'warehouse', key: 'password' };
  expect(await environment({ secrets: [secret] })).toEqual({ ...always, [secretVariable(secret)]: 'two\nlines' });
});

test('a secret that is not there, or lies outside the folder of secrets, is left out', async () => {
  await writeFile(join(secretsDir, 'password'), 'no');
  const secrets = [
    { name: 'warehouse', key: 'password' },
    { name: '..', key: 'passwd' },
    { name: '.', key: 'password' },
    { name: 'a/..', key: 'password' },
  ];
  expect(await environment({ secrets })).toEqual(always);
});

test('a repository reads what was named for it and the embedded warehouse, and a folder also every POSTGRES_*', () => {
  const warehouse = { POSTGRES_HOST: '127.0.0.1' };
  const of = (ownWarehouse: boolean, fromFolder: boolean) => {
    const allows = createAllowance({ named: ['TAXI_BASE_URL'], ownWarehouse, warehouse });
    const names = ['TAXI_BASE_URL', 'POSTGRES_HOST', 'POSTGRES_ADMIN', 'AWS_SECRET_ACCESS_KEY', 'toString'];
    return names.filter((name) => allows(name, fromFolder));
  };
  expect(of(true, false)).toEqual(['TAXI_BASE_URL', 'POSTGRES_HOST']);
  expect(of(false, false)).toEqual(['TAXI_BASE_URL']);
  for (const own of [true, false]) expect(of(own, true)).toEqual(['TAXI_BASE_URL', 'POSTGRES_HOST', 'POSTGRES_ADMIN']);
});
