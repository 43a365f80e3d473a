import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from './cluster.ts';
import type { Helm } from './helm.ts';
import { imageValues } from './project-images.ts';

export const chart = fileURLToPath(new URL('../../../charts/pipewright', import.meta.url));
export const inRelease = ['--namespace', 'pipewright'];
/** The bridge of the test cluster: what listens there is reached from pods. */
export const reachable = '10.244.0.1';
const password = 'only-for-tests';

/** A file with values for the images of the checkout, manifests, and a bundled Postgres. */
export async function writeValues(
  folder: string,
  options: { files: Record<string, string>; persistence: object; jobs?: object },
): Promise<string> {
  const { bundledPostgres, ...images } = imageValues();
  const values = {
    ...images,
    database: { bundled: { ...bundledPostgres, password, persistence: options.persistence } },
    jobs: {
      podResources: { requests: null, limits: null },
      envFrom: [{ secretRef: { name: 'warehouse' } }],
      ...options.jobs,
    },
    source: { files: options.files },
    // The pipelines of the tests write to the ledger's own server.
    networkPolicy: { enabled: false },
  };
  const file = join(folder, 'values.json');
  await writeFile(file, JSON.stringify(values));
  return file;
}

/** Makes what connections read in a namespace of Jobs: the bundled Postgres, and `more`. */
export async function giveWarehouse(
  cluster: Cluster,
  more: Record<string, string> = {},
  namespace = 'pipewright-jobs',
): Promise<void> {
  const own = {
    POSTGRES_HOST: 'pipewright-postgres.pipewright.svc',
    POSTGRES_DBNAME: 'pipewright',
    POSTGRES_USER: 'pipewright',
    POSTGRES_PASSWORD: password,
  };
  const metadata = { name: 'warehouse', namespace };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { ...own, ...more } };
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(secret));
}

/**
 * Values of a volume for the bundled Postgres that outlives the release: in a folder of this machine, or what a foreign cluster
 * gives by default.
 */
export async function giveVolume(cluster: Cluster, scratch: string): Promise<object> {
  if (process.env.PIPEWRIGHT_TEST_CLUSTER === 'yes') return { enabled: true, size: '1Gi' };
  const path = join(scratch, 'volume');
  await mkdir(path);
  await chmod(path, 0o777);
  await chmod(scratch, 0o755);
  const spec = {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'by-hand',
    hostPath: { path },
  };
  const volume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'ledger' }, spec };
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(volume));
  return { enabled: true, size: '1Gi', storageClass: 'by-hand' };
}

/** Waits until all of the release is ready. */
export function install(helm: Helm, values: string, ...more: string[]): Promise<string> {
  return helm([
    'install',
    'pipewright',
    chart,
    ...inRelease,
    '--create-namespace',
    '--wait',
    '--values',
    values,
    ...more,
  ]);
}

/** Rows of the bundled Postgres, asked from the controller's pod, which has a client and a way to the server. */
export async function query(cluster: Cluster, sql: string): Promise<unknown> {
  const url = `postgres://pipewright:${password}@pipewright-postgres:5432/pipewright`;
  const program = `
    import pg from 'pg';
    const client = new pg.Client('${url}');
    await client.connect();
    console.log(JSON.stringify((await client.query(process.argv[1])).rows));
    await client.end();`;
  const node = ['exec', ...inRelease, 'deployment/pipewright', '--', 'node', '--input-type=module', '--eval'];
  return JSON.parse(await cluster.kubectl([...node, program, sql]));
}
