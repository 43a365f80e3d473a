/**
 * The 24 monthly files of a folder, one run per month by catch-up, through a real controller with its embedded Postgres;
 * rows and sums are compared with `zcat | awk`. `node test/bench/real-months.ts --files FOLDER [--http1.0]`
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createClient } from '../../controller/api/client.ts';
import { createSampleServer } from '../../tools/samples/server.ts';

const { values } = parseArgs({
  options: { files: { type: 'string' }, 'http1.0': { type: 'boolean', default: false } },
});
if (!values.files) throw new Error('name the folder with yellow_tripdata_YYYY-MM.csv.gz by --files');
const folder = values.files;

const home = mkdtempSync(join(tmpdir(), 'pipewright-real-'));
const server = await createSampleServer({ host: '127.0.0.1', port: 0, folder, http10: values['http1.0'] });
const bin = new URL('../../cli/bin.mjs', import.meta.url).pathname;
const pipelines = new URL('../../pipelines', import.meta.url).pathname;

async function start(): Promise<{ url: string; stop: () => Promise<void> }> {
  const child = spawn(
    process.execPath,
    [bin, 'start', '--dir', pipelines, '--home', home, '--port', '0', '--allow-env', 'TAXI_BASE_URL'],
    {
      env: { ...process.env, TAXI_BASE_URL: server.url },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const url = await new Promise<string>((resolve) => {
    child.stderr.on('data', (chunk) => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(String(chunk));
      if (found) resolve(found[0]);
    });
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    url,
    stop: async () => {
      child.kill('SIGINT');
      await exited;
    },
  };
}

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

/** Cents by month, so that sums are exact whatever the order of addition. */
async function inTable(): Promise<Month[]> {
  const env = JSON.parse(readFileSync(join(home, 'warehouse.json'), 'utf8'));
  const client = new pg.Client({
    host: env.POSTGRES_HOST,
    port: Number(env.POSTGRES_PORT),
    database: env.POSTGRES_DBNAME,
    user: env.POSTGRES_USER,
    password: env.POSTGRES_PASSWORD,
  });
  await client.connect();
  const { rows } = await client.query(
    `select to_char(window_start at time zone 'America/New_York', 'YYYY-MM') as month, count(*)::int as rows, sum(round(total_amount * 100))::float8 as cents
     from ny_taxi.yellow_cab_data group by 1 order by 1`,
  );
  await client.end();
  return rows;
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
console.log(await client.rerun('yellow-taxi-to-postgres-2020-03'));
await settled(controller.url, 26);
same('a rerun of one month leaves the table exact', await inTable(), expected);
await controller.stop();
await server.close();
rmSync(home, { recursive: true, force: true });
