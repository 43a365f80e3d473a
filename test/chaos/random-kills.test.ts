import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { createRandom } from '../../tools/samples/random.ts';
import { createSampleServer } from '../../tools/samples/server.ts';
import { createTestController, runners, type TestController } from '../support/controller-process.ts';
import { countMonths } from '../support/count-trips.ts';
import { expectSettled, succeededRuns } from './end-state.ts';

const manifests = fileURLToPath(new URL('../../pipelines/', import.meta.url));
const kills = 100;
/** The TLC's own files instead of the seeded sample, where one has them. */
const folder = process.env.TAXI_FILES;
/** 24 months of trips and one daily window of `test-config`. */
const windows = 25;

let controller: TestController;
let server: Awaited<ReturnType<typeof createSampleServer>>;
afterEach(async () => {
  await controller.close();
  await server.close();
});

it(`${kills} random kills of controller and runners during 24 monthly runs leave the same table`, {
  timeout: 600_000,
}, async () => {
  const seed = process.env.PIPEWRIGHT_SEED ?? String(Date.now());
  console.info(`seed: PIPEWRIGHT_SEED=${seed}`);
  const random = createRandom(seed);
  // Slow enough that there is something to kill a hundred times.
  server = await createSampleServer({ host: '127.0.0.1', port: 0, bytesPerSecond: 20_000, ...(folder && { folder }) });
  controller = await createTestController({ manifests, environment: { TAXI_BASE_URL: server.url } });
  let killed = 0;
  let over = false;

  async function killer(): Promise<void> {
    while (killed < kills && !over) {
      await new Promise((resolve) => setTimeout(resolve, random.integer(50, 900)));
      const victims = await runners(controller.home);
      const victim = random.chance(0.4) ? undefined : victims[random.integer(0, Math.max(0, victims.length - 1))];
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
      else if (controller.alive()) await controller.kill();
      else continue;
      killed += 1;
    }
  }

  const killing = killer();
  await controller.keepAlive(async () => (await succeededRuns(controller)) >= windows, {}, 540_000);
  over = true;
  await killing;
  console.info(`killed ${killed} times`);
  await expectSettled(controller, windows);
  const { rows } = await controller.target.query(
    `select to_char(window_start at time zone 'America/New_York', 'YYYY-MM') as month, count(*)::int as rows, round(sum(total_amount)::numeric, 2)::float8 as total
     from ny_taxi.yellow_cab_data group by 1 order by 1`,
  );
  expect(rows).toEqual(await countMonths(server.url));
});
