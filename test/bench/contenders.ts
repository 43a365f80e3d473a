import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '../../controller/api/client.ts';
import { bin, startController } from './controller.ts';
import { type Ground, month } from './ground.ts';
import { runProgram } from './programs.ts';
import { tripTypes } from './tables.ts';

/** Seconds from the start of the work to its end; peak memory of the process that does it, in bytes, where it is known. */
export type Measured = { seconds: number; peakBytes: number | null };

export type Contender = {
  name: string;
  /** The table that it fills, empty before each run. */
  table: string;
  run(): Promise<Measured>;
  close(): Promise<void>;
};

const pipeline = 'yellow-taxi-to-postgres';

export async function createContenders(ground: Ground): Promise<Contender[]> {
  return [await createPsql(ground), createLocal(ground), await createStart(ground)];
}

/** What a person would type: the file as it is, straight into the table. */
async function createPsql({ warehouse, environment, fileUrl }: Ground): Promise<Contender> {
  const table = 'public.psql_trips';
  const user = environment.POSTGRES_USER;
  await warehouse.query(`create table ${table} (${tripTypes.map(([name, type]) => `"${name}" ${type}`).join(', ')})`);
  await warehouse.query(`alter table ${table} owner to ${user}`);
  const shell = `curl -s "$URL" | gunzip | psql -q -v ON_ERROR_STOP=1 -c '\\copy ${table} from stdin (format csv, header)'`;
  const variables = {
    PATH: process.env.PATH,
    URL: fileUrl,
    PGHOST: environment.POSTGRES_HOST,
    PGPORT: environment.POSTGRES_PORT,
    PGDATABASE: environment.POSTGRES_DBNAME,
    PGUSER: user,
    PGPASSWORD: environment.POSTGRES_PASSWORD,
  };
  return {
    name: 'psql',
    table,
    run: async () => ({ seconds: (await runProgram('sh', ['-c', shell], variables)).seconds, peakBytes: null }),
    close: async () => {},
  };
}

/** The whole command, from the start of Node to the end of the process. */
function createLocal({ environment, home, manifests }: Ground): Contender {
  const args = [
    bin,
    'run',
    pipeline,
    '--local',
    '--dir',
    manifests,
    '--home',
    home,
    '--window',
    month,
    '--output',
    'json',
  ];
  return {
    name: 'local',
    table: 'ny_taxi.yellow_cab_data',
    async run() {
      const { seconds, peakBytes } = await runProgram(process.execPath, args, { ...process.env, ...environment });
      return { seconds, peakBytes };
    },
    close: async () => {},
  };
}

/** Through a controller on the same server: from the request to the settled run. */
async function createStart({ environment, databaseUrl, home, manifests }: Ground): Promise<Contender> {
  const controller = await startController({
    dir: manifests,
    home,
    args: ['--database-url', databaseUrl, '--allow-env', 'TAXI_BASE_URL'],
    environment,
  });
  const client = createClient({ server: controller.url });
  // It answers before it has read the folder.
  while (!(await client.pipelines()).pipelines.some(({ name }) => name === pipeline)) await pause(20);
  return {
    name: 'start',
    table: 'ny_taxi.yellow_cab_data',
    async run() {
      const began = performance.now();
      const { run: name } = await client.startRun({ pipeline, window: month });
      for (;;) {
        const run = await client.run(name);
        if (run.phase === 'Succeeded') return { seconds: (performance.now() - began) / 1000, peakBytes: peakOf(run) };
        if (run.phase !== 'Queued' && run.phase !== 'Running')
          throw new Error(`${name} is ${run.phase}: ${JSON.stringify(run, null, 2)}`);
        await pause(20);
      }
    },
    close: () => controller.stop(),
  };
}

type Attempts = { tasks: readonly { attempts: readonly { report?: { peakMemoryBytes: number | null } | null }[] }[] };

function peakOf({ tasks }: Attempts): number | null {
  const peaks = tasks.flatMap(({ attempts }) => attempts.flatMap(({ report }) => report?.peakMemoryBytes ?? []));
  return peaks.length === 0 ? null : Math.max(...peaks);
}
