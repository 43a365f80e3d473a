import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../controller/api/client.ts';
import { createSampleServer } from '../../tools/samples/server.ts';
import { createTestController, type TestController } from '../support/controller-process.ts';
import { countMonths } from '../support/count-trips.ts';
import { createBadServer } from './bad-server.ts';

/** The TLC's own files instead of the seeded sample, where one has them. */
const folder = process.env.TAXI_FILES;
const pipeline = 'yellow-taxi-to-postgres';
const range = { pipeline, from: '2019-01', to: '2021-01', maxActiveRuns: 3 };
const faults = { '2019-04': 'truncated', '2019-11': 'other header', '2020-07': 'status 500' } as const;
const kills = 10;

let controller: TestController;
let files: Awaited<ReturnType<typeof createSampleServer>>;
let server: Awaited<ReturnType<typeof createBadServer>>;
let manifests: string;
beforeEach(async () => {
  manifests = await onlyWhenAsked();
  files = await createSampleServer({ host: '127.0.0.1', port: 0, ...(folder && { folder }) });
  server = await createBadServer({ from: files.url, faults });
  controller = await createTestController({ manifests, environment: { TAXI_BASE_URL: server.url } });
});
afterEach(async () => {
  await controller.close();
  await server.close();
  await files.close();
  await rm(manifests, { recursive: true, force: true });
});

/** The examples' monthly pipeline as it stands, but that its schedule runs nothing that was missed, and no run is tried again. */
async function onlyWhenAsked(): Promise<string> {
  const to = await mkdtemp(join(tmpdir(), 'pipewright-recovery-'));
  await cp(fileURLToPath(new URL('../../pipelines/', import.meta.url)), to, { recursive: true });
  await rm(join(to, 'test-config.yaml'));
  const path = join(to, `${pipeline}.yaml`);
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('catchUp: all', 'catchUp: none').replace(/retry: .*/, 'retry: { limit: 0 }'));
  return to;
}

async function count(condition: string): Promise<number> {
  const { rows } = await controller.ledger.query(`select count(*)::int as n from ${condition}`);
  return rows[0].n;
}
const succeeded = () => count(`runs where phase = 'Succeeded'`);

/** Ends the controller the hard way each time that two more months are there, and starts it again. */
async function untilAfterKills(done: () => Promise<boolean>): Promise<void> {
  for (let kill = 1; kill <= kills; kill++) {
    await controller.keepAlive(async () => (await succeeded()) >= 2 * kill, {}, 120_000);
    await controller.kill('SIGKILL');
  }
  await controller.keepAlive(done, {}, 120_000);
}

const over = async () => (await count(`backfills where phase = 'Running'`)) === 0;

async function months(): Promise<unknown[]> {
  const { rows } = await controller.target.query(
    `select to_char(window_start at time zone 'America/New_York', 'YYYY-MM') as month, count(*)::int as rows, round(sum(total_amount)::numeric, 2)::float8 as total
     from ny_taxi.yellow_cab_data group by 1 order by 1`,
  );
  return rows;
}

async function failures(): Promise<unknown[]> {
  const { rows } = await controller.ledger.query(
    `select window_label as month, reason, message from runs where phase = 'Failed' order by 1`,
  );
  return rows;
}

test.each(['oldest', 'newest'] as const)(
  `24 months, %s first, come through ${kills} kills and three bad files, which fail with their reasons and are mended by a retry`,
  { timeout: 420_000 },
  async (order) => {
    const expected = await countMonths(files.url);
    controller.start();
    const client = createClient({ server: await controller.url() });
    await expect.poll(async () => (await client.pipelines()).pipelines.length, { timeout: 30_000 }).toBe(1);
    const { backfill } = await client.startBackfill({ ...range, order });
    await untilAfterKills(over);

    expect(await failures()).toEqual([
      {
        month: '2019-04',
        reason: 'InvalidInput',
        message: expect.stringMatching(/block "trips": the gzip file is truncated.*; write it anew/),
      },
      { month: '2019-11', reason: 'InvalidInput', message: expect.stringMatching(/header.*passenger_count/i) },
      {
        month: '2020-07',
        reason: 'LoadFailed',
        message: expect.stringMatching(/block "trips": the server answered 500 .*; try again/),
      },
    ]);
    expect(await months()).toEqual(expected.filter(({ month }) => !(month in faults)));

    server.mend();
    const again = createClient({ server: await controller.url() });
    expect(await again.changeBackfill(backfill, { retry: true })).toMatchObject({ windows: 3 });
    await controller.keepAlive(over, {}, 120_000);
    expect(await months()).toEqual(expected);
    const { rows } = await controller.ledger.query(
      `select run_no as "runNo", trigger, count(*)::int as runs from runs where phase = 'Succeeded' group by 1, 2 order by 1`,
    );
    expect(rows).toEqual([
      { runNo: 1, trigger: 'backfill', runs: 21 },
      { runNo: 2, trigger: 'backfill', runs: 3 },
    ]);
  },
);
