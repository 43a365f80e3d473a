import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { pino } from 'pino';
import { parse, stringify } from 'yaml';
import { startEmbedded } from '../../controller/store/embedded/start.ts';
import { writeTripFile } from '../../tools/samples/files.ts';
import { createSampleServer } from '../../tools/samples/server.ts';
import { makeFolder } from './controller.ts';

/** The month whose file is measured, and its window. */
export const month = '2019-08';

/** What all contenders share: the file on a server, the database, the manifests. */
export type Ground = {
  rows: number;
  fileUrl: string;
  home: string;
  manifests: string;
  databaseUrl: string;
  /** The warehouse as a superuser, for measuring; contenders get `environment`. */
  warehouse: pg.Client;
  /** `POSTGRES_*` and `TAXI_BASE_URL`. */
  environment: Record<string, string>;
  /** Empties the tables, and lets the server finish what it has put off. */
  empty(): Promise<void>;
  close(): Promise<void>;
};

export const tables = ['public.psql_trips', 'ny_taxi.yellow_cab_data'];

export async function createGround(rows: number): Promise<Ground> {
  const folder = await fileFolder(rows);
  const server = await createSampleServer({ host: '127.0.0.1', port: 0, folder });
  const home = makeFolder('pipewright-bench-');
  const postgres = await startEmbedded({ home, log: pino({ level: 'silent' }) });
  const warehouseUrl = new URL(postgres.url);
  warehouseUrl.pathname = `/${postgres.warehouse.POSTGRES_DBNAME}`;
  const warehouse = new pg.Client(warehouseUrl.href);
  await warehouse.connect();
  return {
    rows,
    fileUrl: `${server.url}/yellow_tripdata_${month}.csv.gz`,
    home,
    manifests: copyManifests(home),
    databaseUrl: postgres.url,
    warehouse,
    environment: { ...postgres.warehouse, TAXI_BASE_URL: server.url },
    async empty() {
      for (const table of tables) {
        const { rows: found } = await warehouse.query('select to_regclass($1) as oid', [table]);
        if (found[0].oid !== null) await warehouse.query(`truncate ${table}`);
      }
      await warehouse.query('checkpoint');
    },
    async close() {
      await warehouse.end();
      await postgres.stop();
      await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A folder that holds the month with so many rows. It is kept: making it takes as long as measuring. */
async function fileFolder(rows: number): Promise<string> {
  const folder = join(tmpdir(), `pipewright-bench-files-${rows}`);
  const path = join(folder, `yellow_tripdata_${month}.csv.gz`);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(path)) await writeTripFile(path, { seed: 'bench', month, rows });
  return folder;
}

/** The pipeline of the examples up to the table, run only when asked: what psql does not do, such as showing rows, is left out. */
function copyManifests(home: string): string {
  const folder = join(home, 'manifests');
  cpSync(fileURLToPath(new URL('../../pipelines', import.meta.url)), folder, { recursive: true });
  rmSync(join(folder, 'test-config.yaml'), { force: true });
  const path = join(folder, 'yellow-taxi-to-postgres.yaml');
  const manifest = parse(readFileSync(path, 'utf8'));
  manifest.spec.schedule.catchUp = 'none';
  const table = manifest.spec.blocks.findIndex((block: { export?: unknown }) => block.export !== undefined);
  manifest.spec.blocks.length = table + 1;
  writeFileSync(path, stringify(manifest));
  return folder;
}
