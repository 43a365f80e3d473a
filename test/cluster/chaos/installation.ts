import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Kubernetes } from '../../../controller/kubernetes/client.ts';
import type { JobsConfig } from '../../../schemas/generated/types.ts';
import { createLink } from '../../support/link.ts';
import type { TestServer } from '../../support/postgres-server.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { recordJobs } from './jobs.ts';
import { containerPipeline, pipeline, warehouse } from './pipelines.ts';
import { createReplica, freePort, type Replica, type ReplicaOptions } from './replicas.ts';
import type { Source } from './source.ts';

const local = '127.0.0.1';

type Place = {
  readonly cluster: ControlPlane;
  readonly kubernetes: Kubernetes;
  readonly postgres: TestServer;
  readonly source: Source;
  /** Its own; made here. */
  readonly folder: string;
  /** An address of this machine that pods reach. */
  readonly reachable: string;
  /** The runner's. */
  readonly image: string;
};

export type InstallationOptions = { readonly jobs?: Partial<JobsConfig> };

/**
 * Two controllers as processes of this machine, so that they can be killed by pid and come back at once, with a database for ledger
 * and target, and namespaces of their own. Every way between them is a link that can be cut.
 */
export async function createInstallation(name: string, place: Place, { jobs: more = {} }: InstallationOptions) {
  const { cluster, kubernetes, folder, reachable } = place;
  const namespace = `${name}-jobs`;
  await using stack = new AsyncDisposableStack();
  const url = await createDatabase(place.postgres.url, name);
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  pool.on('error', () => {});
  stack.defer(() => pool.end());
  await mkdir(join(folder, 'pipelines'), { recursive: true });
  await writeFile(join(folder, 'pipelines', 'warehouse.yaml'), warehouse);
  for (const one of [namespace, name]) await cluster.kubectl(['create', 'namespace', one]);
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(environmentOf(url, { namespace, host: reachable })));

  const replicas: Replica[] = [];
  const links = {
    postgres: await createLink({ host: local, to: () => [{ host: local, port: portOf(url) }] }),
    apiServer: await createLink({ host: local, to: () => [{ host: local, port: apiServer }] }),
    reports: await createLink({
      host: reachable,
      to: () => inAnyOrder(replicas.map(({ reportPort }) => ({ host: local, port: reportPort }))),
    }),
  };
  const { path: kubeconfig, port: apiServer } = await kubeconfigThrough(links.apiServer.port, cluster, folder);
  for (const link of Object.values(links)) stack.defer(() => link.close());
  const options: ReplicaOptions = {
    folder,
    kubeconfig,
    databaseUrl: withPort(url, links.postgres.port),
    jobs: {
      namespace,
      resources: name,
      image: place.image,
      imagePullPolicy: 'Never',
      envFrom: [{ configMapRef: { name: 'warehouse' } }],
      reportUrl: `http://${reachable}:${links.reports.port}`,
      maxJobs: 6,
      ...more,
    },
  };
  async function addReplica(replicaName: string): Promise<Replica> {
    const replica = await createReplica({ ...options, name: replicaName, reportPort: await freePort() });
    replicas.push(replica);
    return replica;
  }
  const stop = new AbortController();
  const jobs = recordJobs({ kubernetes, namespace, signal: stop.signal });
  stack.defer(() => stop.abort());
  stack.defer(async () => void (await Promise.all(replicas.map((replica) => replica.stop()))));
  const [one, two] = [await addReplica('one'), await addReplica('two')];
  const expected = new Map<string, number>();
  const kept = stack.move();
  return {
    name,
    cluster,
    kubernetes,
    namespace,
    folder,
    pool,
    replicas,
    one,
    two,
    addReplica,
    links,
    jobs,
    /** Windows by pipeline. */
    expected,
    /** Brings a pipeline into the folder: that many windows at once, each of which reads for `ms`. */
    async begin(pipelineName: string, { windows, ms }: { windows: number; ms: number }): Promise<void> {
      expected.set(pipelineName, windows);
      const manifest = pipeline({ name: pipelineName, windows, ms, source: place.source.url });
      await writeFile(join(folder, 'pipelines', `${pipelineName}.yaml`), manifest);
    },
    /** One run of a container that Node runs a program in, with little memory. */
    async beginContainer(pipelineName: string, program: string): Promise<void> {
      const manifest = containerPipeline({ name: pipelineName, image: place.image, program });
      await writeFile(join(folder, 'pipelines', `${pipelineName}.yaml`), manifest);
    },
    logs: async () => (await Promise.all(replicas.map((replica) => replica.log().catch(() => '')))).join(''),
    close: () => kept.disposeAsync(),
  };
}

export type Installation = Awaited<ReturnType<typeof createInstallation>>;

async function createDatabase(server: string, name: string): Promise<string> {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(`create database "${name}"`);
  await client.end();
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** What the connection of every pipeline reads. */
function environmentOf(url: string, { namespace, host }: { namespace: string; host: string }) {
  const { port, pathname, username, password } = new URL(url);
  const data = {
    POSTGRES_HOST: host,
    POSTGRES_PORT: port,
    POSTGRES_DBNAME: pathname.slice(1),
    POSTGRES_USER: username,
    POSTGRES_PASSWORD: password,
  };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'warehouse', namespace }, data };
}

async function kubeconfigThrough(port: number, { kubeconfig }: ControlPlane, folder: string) {
  const path = join(folder, 'kubeconfig');
  const text = await readFile(kubeconfig, 'utf8');
  await writeFile(path, text.replace(/(server: "[^"]+:)\d+"/, `$1${port}"`), { mode: 0o600 });
  return { path, port: Number(/server: "[^"]+:(\d+)"/.exec(text)?.[1]) };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

function inAnyOrder<T>(all: readonly T[]): T[] {
  return Math.random() < 0.5 ? [...all] : all.toReversed();
}
