/**
 * The 24 monthly files of a folder, one run per month by catch-up, through a real controller with its embedded Postgres;
 * rows and sums are compared with `zcat | awk`. `node test/bench/real-months.ts --files FOLDER [--http1.0]`
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createClient } from '../../controller/api/client.ts';
import { createSampleServer } from '../../tools/samples/server.ts';
import { makeFolder, startController } from './controller.ts';

const { values } = parseArgs({
  options: { files: { type: 'string' }, 'http1.0': { type: 'boolean', default: false } },
});
if (!values.files) throw new Error('name the folder with yellow_tripdata_YYYY-MM.csv.gz by --files');
const folder = values.files;

const home = makeFolder('pipewright-real-');
const server = await createSampleServer({ host: '127.0.0.1', port: 0, folder, http10: values['http1.0'] });
const dir = fileURLToPath(new URL('../../pipelines', import.meta.url));
const environment = { TAXI_BASE_URL: server.url };
const start = () => startController({ dir, home, args: ['--allow-env', 'TAXI_BASE_URL'], environment });

async function settled(url: string, runs: number): Promise<void> {
  const client = createClient({ server: url });
  for (;;) {
    const list = (await client.runs({ limit: 1000 })).runs;
    const failed = list.filter((run) => run.phase === 'Failed');
    if (failed.length > 0) throw new Error(`failed: ${JSON.stringify(failed, null, 2)}`);
    if (list.filter((run) => run.phase === 'Succeeded').length === runs) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

type Month = { month: string; rows: number; cents: number };

async function query(text: string): Promise<unknown[]> {
  const env = JSON.parse(readFileSync(join(home, 'warehouse.json'), 'utf8'));
  const client = new pg.Client({
    host: env.POSTGRES_HOST,
    port: Number(env.POSTGRES_PORT),
    database: env.POSTGRES_DBNAME,
    user: env.POSTGRES_USER,
    password: env.POSTGRES_PASSWORD,
  });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows;
}

/** Cents by month, so that sums are exact whatever the order of addition. */
function inTable(): Promise<unknown[]> {
  return query(
    `select to_char(window_start at time zone 'America/New_York', 'YYYY-MM') as month, count(*)::int as rows, sum(round(total_amount * 100))::float8 as cents
     from ny_taxi.yellow_cab_data group by 1 order by 1`,
  );
}

function inFiles(): Month[] {
  const program = `$4 > 0 && NR > 1 { n++; s += int($17 * 100 + ($17 < 0 ? -0.5 : 0.5)) } END { printf "%d %d", n, s }`;
  return Array.from({ length: 24 }, (_, index) => {
    const month = `${2019 + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
    const text = execFileSync(
      'bash',
      ['-c', `zcat "$1" | awk -F, '${program}'`, 'bash', join(folder, `yellow_tripdata_${month}.csv.gz`)],
      { encoding: 'utf8' },
    );
    const [rows, cents] = text.split(' ').map(Number) as [number, number];
    return { month, rows, cents };
  });
}

function same(what: string, a: unknown, b: unknown): void {
  if (JSON.stringify(a) !== JSON.stringify(b))
    throw new Error(`${what}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
  console.log(`ok: ${what}`);
}

const expected = inFiles();
const began = performance.now();
let controller = await start();
await settled(controller.url, 25);
console.log(
  `24 months and one day in ${((performance.now() - began) / 1000).toFixed(1)} s from \`start\` on an empty home`,
);
same('rows and sums of every month equal those of zcat | awk', await inTable(), expected);
await controller.stop();

controller = await start();
await settled(controller.url, 25);
same('a second start adds nothing', await inTable(), expected);
const client = createClient({ server: controller.url });
await query(
  `delete from ny_taxi.yellow_cab_data where window_start = timestamp '2020-03-01' at time zone 'America/New_York'`,
);
same('one month is deleted', (await inTable()).length, 23);
console.log(await client.rerun('yellow-taxi-to-postgres-2020-03'));
await settled(controller.url, 26);
same('a rerun restores it exactly', await inTable(), expected);
await controller.stop();
await server.close();
rmSync(home, { recursive: true, force: true });
