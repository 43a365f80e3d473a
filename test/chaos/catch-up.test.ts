import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createClient } from '../../controller/api/client.ts';
import { createSampleServer } from '../../tools/samples/server.ts';
import { createTestController, type TestController } from '../support/controller-process.ts';
import { countMonths } from '../support/count-trips.ts';
import { expectSettled, succeededRuns } from './end-state.ts';

const manifests = fileURLToPath(new URL('../../pipelines/', import.meta.url));
const windows = 25;

let controller: TestController;
let server: Awaited<ReturnType<typeof createSampleServer>>;
beforeEach(async () => {
  server = await createSampleServer({ host: '127.0.0.1', port: 0 });
  controller = await createTestController({ manifests, environment: { TAXI_BASE_URL: server.url } });
});
afterEach(async () => {
  await controller.close();
  await server.close();
});

async function months(): Promise<unknown[]> {
  const { rows } = await controller.target.query(
    `select to_char(window_start at time zone 'America/New_York', 'YYYY-MM') as month, count(*)::int as rows, round(sum(total_amount)::numeric, 2)::float8 as total
     from ny_taxi.yellow_cab_data group by 1 order by 1`,
  );
  return rows;
}

it('brings 24 months by catch-up, adds nothing at a second start, and restores a month by a rerun', {
  timeout: 180_000,
}, async () => {
  const expected = await countMonths(server.url);
  await controller.keepAlive(async () => (await succeededRuns(controller)) >= windows, {}, 120_000);
  await expectSettled(controller, windows);
  expect(await months()).toEqual(expected);

  await controller.kill('SIGTERM');
  controller.start();
  const client = createClient({ server: await controller.url() });
  await expect.poll(async () => (await client.pipelines()).pipelines.length).toBe(2);
  expect((await client.runs({ limit: 100 })).runs).toHaveLength(windows);
  expect(await months()).toEqual(expected);

  await controller.target.query(
    `delete from ny_taxi.yellow_cab_data where window_start = timestamp '2020-03-01' at time zone 'America/New_York'`,
  );
  expect(await months()).toHaveLength(23);
  expect(await client.rerun('yellow-taxi-to-postgres-2020-03')).toMatchObject({
    run: 'yellow-taxi-to-postgres-2020-03-2',
  });
  await controller.keepAlive(async () => (await succeededRuns(controller)) >= windows + 1);
  expect(await months()).toEqual(expected);
});
