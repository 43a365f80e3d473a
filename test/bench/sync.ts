/**
 * How long a large repository takes: `node test/bench/sync.ts [--pipelines 10000] [--besides-mb 0]`. A real controller follows a Git repository over
 * HTTP, with so many megabytes of noise beside the folder that it reads. Prints one JSON object: seconds from the push to the line that says it is
 * synced (of all pipelines; of five commits of one file each; of a Block that all use), the controller's and Git's seconds of a core, the bytes that
 * Git sent, the mirror on disk, and resident megabytes.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startGitServer } from '../support/git-server.ts';
import { createTestRepository } from '../support/repository.ts';
import { type Controller, makeFolder, startController } from './controller.ts';

const { values } = parseArgs({
  options: { pipelines: { type: 'string', default: '10000' }, 'besides-mb': { type: 'string', default: '0' } },
});
const count = Number(values.pipelines);
const megabyte = 1_000_000;
const secret = 'the secret of the bench';

const head = (kind: string, name: string) =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec:\n`;

const pipeline = (
  number: number,
  description: string,
) => `${head('Pipeline', `trips-${number}`)}  description: ${description}
  schedule: { every: month, timeZone: Europe/Berlin, startAt: 2019-01-01, delay: 30h, catchUp: none }
  retry: { limit: 3, initial: 30s }
  variables:
    base_url: { type: string, default: "https://example.test/${number}" }
  blocks:
    - name: trips
      use: load-trips
      with: { url: "{{ base_url }}/trips_{{ window.start.format('%Y-%m') }}.csv.gz" }
    - name: paying_trips
      from: [trips]
      transform: { sql: "select * from trips where passenger_count > 0 and pickup_at >= {{ window.start }}" }
    - name: warehouse
      from: [paying_trips]
      export:
        postgres: { connection: warehouse, table: trips.district_${number}, write: { mode: replaceWindow, tag: window_start } }
`;

const shared = (column: string) => `${head('Block', 'load-trips')}  parameters: { url: { type: string } }
  load:
    http: { url: "{{ url }}" }
    format: { csv: { columns: { passenger_count: ${column}, pickup_at: TIMESTAMP } } }
---
${head('Connection', 'warehouse')}  postgres: { host: localhost, database: taxi, user: loader }
`;

const fileOf = (number: number, description: string): [string, string] => [
  `pipelines/team-${number % 100}/trips-${number}.yaml`,
  pipeline(number, description),
];

function* everything(): Iterable<[string, string]> {
  yield ['pipelines/shared.yaml', shared('SMALLINT')];
  for (let number = 0; number < count; number++) yield fileOf(number, 'as it was');
}

function* noise(): Iterable<[string, Buffer]> {
  for (let number = 0; number < Number(values['besides-mb']); number++)
    yield [`data/${number}.bin`, randomBytes(megabyte)];
}

/** Pushes, tells the controller of it, and waits until it has synced; returns seconds. */
async function push(
  controller: Controller,
  hooks: string,
  files: [string, string][],
  changed: number,
): Promise<number> {
  await repository.commitMany([files]);
  const began = performance.now();
  const synced = controller.until(new RegExp(`source synced.* changed=${changed}\\b`), controller.said());
  await fetch(hooks, { method: 'POST', headers: { authorization: `Bearer ${secret}` } });
  await synced;
  return seconds(began);
}

const seconds = (began: number) => Math.round(performance.now() - began) / 1_000;

async function sizeOf(dir: string): Promise<number> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((each) => each.isFile())
    .map(async (each) => (await stat(join(each.parentPath, each.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

const repository = await createTestRepository();
const server = await startGitServer(dirname(repository.dir));
const root = makeFolder('pipewright-sync-');
const home = join(root, 'home');
try {
  await repository.commitMany([noise()], { isNoise: true });
  await repository.commitMany([everything()]);
  server.sent();
  const url = `${server.url}/${basename(repository.dir)}/.git`;
  const controller = await startController({
    home,
    args: ['--git', url, '--poll', '3600', '--hooks-port', '0'],
    environment: { PIPEWRIGHT_HOOK_SECRET: secret },
  });
  const ready = performance.now();
  const { found } = await controller.until(/http:\/\/127\.0\.0\.1:\d+\/hooks\/git/);
  await controller.until(new RegExp(`source synced.* changed=${count}\\b`));
  const measure = async (wall: number, cpuBefore: number) => ({
    seconds: wall,
    cpuSeconds: Math.round((controller.cpuSeconds() - cpuBefore) * 100) / 100,
    bytes: server.sent(),
    mirror: await sizeOf(join(home, 'mirrors')),
    memory: controller.memory(),
  });
  const first = await measure(seconds(ready), 0);
  const oneFile = [];
  for (let n = 0; n < 5; n++) {
    const before = controller.cpuSeconds();
    oneFile.push(await measure(await push(controller, found, [fileOf(n, `changed ${n}`)], 1), before));
  }
  const before = controller.cpuSeconds();
  const sharedBlock = await push(controller, found, [['pipelines/shared.yaml', shared('BIGINT')]], count);
  const ofBlock = await measure(sharedBlock, before);
  await controller.stop();
  const load = loadavg()[0]?.toFixed(1);
  const result = { pipelines: count, load, repository: await sizeOf(repository.dir), first, oneFile, ofBlock };
  console.log(JSON.stringify(result, null, 2));
} finally {
  await server.stop();
  await repository.remove();
  rmSync(root, { recursive: true, force: true });
}
