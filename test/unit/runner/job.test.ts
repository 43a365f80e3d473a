import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TaskOrder, TaskReport } from '../../../schemas/generated/types.ts';
import { bundleOf, orderOf, rows, type TaskInput, temporaryFolder } from './support.ts';

const main = fileURLToPath(new URL('../../../runner/job.ts', import.meta.url));
const trivial: TaskInput = { blocks: [{ name: 'one', load: rows({ n: 1 }) }] };
const failing: TaskInput = {
  blocks: [
    { name: 'one', load: rows({ n: 1 }) },
    { name: 'two', from: ['one'], transform: { sql: 'select m from one' } },
  ],
};

type Got = { path: string; token: string | undefined; report: TaskReport };

/** The controller's end: answers as told, one status after another, the last one for ever; 0 is no answer. */
async function controller(...statuses: number[]): Promise<{ url: string; got: Got[] }> {
  const got: Got[] = [];
  const server: Server = createServer(async (request, response) => {
    const report = (await json(request)) as TaskReport;
    got.push({ path: request.url ?? '', token: request.headers.authorization, report });
    const status = statuses[Math.min(got.length, statuses.length) - 1] ?? 204;
    if (status !== 0) response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/report`, got };
}

async function startJob(
  input: TaskInput,
  url: string,
  environment: Record<string, string> = {},
  more: Partial<TaskOrder> = {},
) {
  const folder = await temporaryFolder();
  const terminationLog = join(folder, 'termination-log');
  const bundle = join(folder, 'bundle.json.gz');
  await mkdir(join(folder, 'artifacts'));
  await writeFile(terminationLog, '');
  await writeFile(bundle, gzipSync(JSON.stringify(bundleOf(input))));
  const order = { ...orderOf(input, folder), bundle: { digest: 'd', path: bundle }, ...more };
  const child: ChildProcess = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      PIPEWRIGHT_ORDER: JSON.stringify(order),
      PIPEWRIGHT_REPORT_URL: url,
      PIPEWRIGHT_REPORT_TOKEN: 'secret',
      PIPEWRIGHT_SCRATCH: join(folder, 'scratch'),
      PIPEWRIGHT_TERMINATION_LOG: terminationLog,
      UV_THREADPOOL_SIZE: '16',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += String(data)));
  const lastWords = async () => JSON.parse((await readFile(terminationLog, 'utf8')) || 'null');
  return { child, ended: once(child, 'close'), output: () => output, lastWords };
}

describe('the runner of a Job', () => {
  test('delivers its report with its token, and leaves a small one in the pod', async () => {
    const { url, got } = await controller(204);
    const { ended, output, lastWords } = await startJob(trivial, url);
    expect(await ended).toEqual([0, null]);
    expect(got).toMatchObject([
      {
        path: '/report',
        token: 'Bearer secret',
        report: { outcome: 'Succeeded', sample: { rows: [['1']] }, partial: false },
      },
    ]);
    expect(await lastWords()).toMatchObject({ report: { outcome: 'Succeeded', sample: null, partial: true } });
    expect(output()).toContain('one: 1 rows');
  });

  test('reports what its pod used, and what had been requested for it', async () => {
    const { url, got } = await controller(204);
    const cgroup = await temporaryFolder();
    await writeFile(join(cgroup, 'memory.current'), '900000000000\n');
    await writeFile(join(cgroup, 'memory.stat'), 'anon 1\ninactive_file 100000000000\n');
    await writeFile(join(cgroup, 'cpu.stat'), 'usage_usec 1500400\nuser_usec 1\n');
    const requested = { PIPEWRIGHT_REQUESTED_MEMORY: '536870912', PIPEWRIGHT_REQUESTED_CPU: '0' };
    const { ended, lastWords } = await startJob(trivial, url, { PIPEWRIGHT_CGROUP: cgroup, ...requested });
    await ended;
    const usage = {
      peakMemoryBytes: 800_000_000_000,
      cpuMs: 1500,
      requestedMemoryBytes: 536_870_912,
      requestedCpuMillis: null,
    };
    expect(got[0]?.report.usage).toEqual(usage);
    expect((await lastWords()).report.usage).toEqual(usage);
  });

  test('reports a failure with exit code 0, for the report tells more', async () => {
    const { url, got } = await controller(204);
    const { ended } = await startJob(failing, url);
    expect(await ended).toEqual([0, null]);
    expect(got[0]?.report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed', error: { block: 'two' } });
  });

  test('tries again while the controller is away or busy', async () => {
    const { url, got } = await controller(503, 429, 204);
    const { ended } = await startJob(trivial, url);
    expect(await ended).toEqual([0, null]);
    expect(got).toHaveLength(3);
  });

  test('leaves it at the small report when it is refused', async () => {
    const { url, got } = await controller(401);
    const { ended, output, lastWords } = await startJob(trivial, url);
    expect(await ended).toEqual([0, null]);
    expect(got).toHaveLength(1);
    expect(output()).toContain('the report could not be delivered (HTTP 401');
    expect(await lastWords()).toMatchObject({ report: { outcome: 'Succeeded' } });
  });

  test('is cancelled by SIGTERM, and reports that', async () => {
    const { url, got } = await controller(204);
    const endless = 'select count(*) as n from range(1000000000) a, range(1000000000) b where a.range * b.range = -1';
    const job = await startJob({ blocks: [{ name: 'endless', transform: { sql: endless } }] }, url);
    await expect.poll(job.output, { timeout: 20_000 }).toContain('task endless, attempt 1');
    job.child.kill('SIGTERM');
    expect(await job.ended).toEqual([0, null]);
    expect(got[0]?.report).toMatchObject({ outcome: 'Cancelled', reason: 'CancelledByRequest' });
  });

  test('reports a bundle that is not there', async () => {
    const { url, got } = await controller(204);
    const { ended } = await startJob(trivial, url, {}, { bundle: { digest: 'd', path: '/nowhere/bundle.json.gz' } });
    expect(await ended).toEqual([0, null]);
    expect(got[0]?.report).toMatchObject({ outcome: 'Failed', reason: 'InternalError' });
  });

  test('stands by what it has reported when it is told to end meanwhile', async () => {
    // The first try is not answered for longer than a task that is told to end may take.
    const { url, got } = await controller(0, 204);
    const { child, ended, output, lastWords } = await startJob(trivial, url);
    await expect.poll(() => got.length, { timeout: 20_000 }).toBe(1);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(got.map(({ report }) => report.outcome)).toEqual(['Succeeded', 'Succeeded']);
    expect(output()).not.toContain('has not ended');
    expect(await lastWords()).toMatchObject({ report: { outcome: 'Succeeded' } });
  });

  test('needs no file for its last words while the controller takes the report', async () => {
    const { url } = await controller(204);
    const { ended } = await startJob(trivial, url, { PIPEWRIGHT_TERMINATION_LOG: '/nowhere/termination-log' });
    expect(await ended).toEqual([0, null]);
  });

  test('fails when nobody has taken its report', async () => {
    const { url } = await controller(401);
    const { ended } = await startJob(trivial, url, { PIPEWRIGHT_TERMINATION_LOG: '/nowhere/termination-log' });
    expect(await ended).toEqual([1, null]);
  });

  test('does not show its token to manifests', async () => {
    const { url, got } = await controller(204);
    const load = { http: { url: 'a.csv', connection: 'thief' }, format: { csv: { columns: { a: 'INTEGER' } } } };
    const connections = { thief: { http: { url: "{{ env_var('PIPEWRIGHT_REPORT_TOKEN') }}" } } };
    await (await startJob({ blocks: [{ name: 'a', load }], connections }, url)).ended;
    expect(got[0]?.report).toMatchObject({ outcome: 'Failed', reason: 'MissingSecret' });
  });

  test('lets SQL read none of its own files where there is no place for artifacts', async () => {
    const { url, got } = await controller(204);
    const own = { blocks: [{ name: 'own', transform: { sql: "select * from read_text('package.json')" } }] };
    await (await startJob(own, url, {}, { artifacts: '' })).ended;
    expect(got[0]?.report).toMatchObject({ outcome: 'Failed', reason: 'TransformFailed' });
  });

  test('makes the folder in which the tasks of its run hand over rows', async () => {
    const { url, got } = await controller(204);
    const artifacts = join(await temporaryFolder(), '7');
    await (await startJob({ ...trivial, outputs: ['one'] }, url, {}, { artifacts })).ended;
    expect(got[0]?.report).toMatchObject({ outcome: 'Succeeded' });
    expect(await readdir(artifacts)).toEqual(['one.parquet']);
  });

  test('says so when its task hands over rows and there is no place for them', async () => {
    const { url, got } = await controller(204);
    await (await startJob({ ...trivial, outputs: ['one'] }, url, {}, { artifacts: '' })).ended;
    expect(got[0]?.report.error?.message).toMatch(/^task "one" hands rows .* give the controller a volume/);
  });

  test.each([
    ['runner.before-report', null, 0],
    ['runner.after-report', { report: { outcome: 'Succeeded' } }, 1],
  ])('killed at %s, leaves what it had done', async (failpoint, words, count) => {
    const { url, got } = await controller(204);
    const { ended, lastWords } = await startJob(trivial, url, { PIPEWRIGHT_FAILPOINT: failpoint });
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(await lastWords()).toEqual(
      words && expect.objectContaining({ report: expect.objectContaining(words.report) }),
    );
    expect(got).toHaveLength(count);
  });

  test('says which variable is missing when nobody has given it an order', async () => {
    const { url } = await controller(204);
    const { ended, output } = await startJob(trivial, url, { PIPEWRIGHT_ORDER: '' });
    expect((await ended)[0]).toBe(1);
    expect(output()).toContain('PIPEWRIGHT_ORDER is missing');
  });
});
