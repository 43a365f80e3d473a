import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { resourceKinds } from '../../schemas/resource-kinds.ts';
import { startCluster } from '../cluster/support/cluster.ts';
import { type ControlPlane, startControlPlane } from '../cluster/support/control-plane.ts';
import { buildProjectImages } from '../cluster/support/project-images.ts';
import { startTestServer } from '../support/postgres-server.ts';
import { type AuditEvent, controllerWrites, readAudit } from './audit.ts';
import { type Controller, makeFolder, startController } from './controller.ts';

/** Where runs and pipelines are shown, and where Jobs are made. */
export const namespaces = { resources: 'pipewright', jobs: 'pipewright-jobs' } as const;
/** The node's address on its bridge, by which pods reach this machine. */
export const bridge = '10.244.0.1';
/** Another one for every program that runs at once. */
export const reportPort = 16_000 + (process.pid % 4_000);
const quietMs = 15_000;
/** The runner's, as `buildProjectImages` names it. */
export const image = 'localhost/pipewright-runner:test';

/** A cluster that counts every write, a Postgres and a folder for manifests. */
export type Ground = {
  readonly cluster: ControlPlane;
  /** Every finished write of the API server since the last call of `forget`. */
  audit(): AuditEvent[];
  forget(): void;
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Replaces the folder's content. */
  write(files: Record<string, string>): void;
  start(config?: object): Promise<Controller>;
  close(): Promise<void>;
};

export async function createGround(options: { node: boolean }): Promise<Ground> {
  const scratch = makeFolder('pipewright-bench-');
  const log = join(scratch, 'audit.log');
  writeFileSync(join(scratch, 'policy.json'), JSON.stringify(policy));
  process.env.APISERVER_ARGS = `--audit-policy-file=${scratch}/policy.json --audit-log-path=${log}`;
  const cluster = options.node ? await startNode() : await startControlPlane();
  const postgres = await startTestServer();
  const client = new pg.Client({ connectionString: postgres.url, options: '-c search_path=pipewright' });
  await client.connect();
  await install(cluster);
  const dir = join(scratch, 'manifests');
  mkdirSync(dir);
  let seen = 0;
  return {
    cluster,
    audit: () => readAudit(log).slice(seen),
    forget() {
      seen = readAudit(log).length;
    },
    query: async (sql, values = []) => (await client.query(sql, values)).rows,
    write(files) {
      rmSync(dir, { recursive: true });
      for (const [path, text] of Object.entries({ '.keep': '', ...files })) {
        mkdirSync(dirname(join(dir, path)), { recursive: true });
        writeFileSync(join(dir, path), text);
      }
    },
    start(config = {}) {
      const jobs = join(scratch, 'jobs.json');
      writeFileSync(jobs, JSON.stringify({ ...jobsConfig(options.node), ...config }));
      return startController({
        dir,
        home: join(scratch, 'home'),
        args: ['--jobs', jobs],
        environment: {
          DATABASE_URL: postgres.url,
          KUBECONFIG: cluster.kubeconfig,
          PIPEWRIGHT_LOG_LEVEL: process.env.PIPEWRIGHT_LOG_LEVEL ?? 'warn',
        },
      });
    },
    async close() {
      await client.end();
      await cluster.stop();
      await postgres.stop();
      if (process.env.BENCH_AUDIT) copyFileSync(log, process.env.BENCH_AUDIT);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** A node that knows the runner's image. */
async function startNode(): Promise<ControlPlane> {
  const { runner } = await buildProjectImages();
  const cluster = await startCluster();
  await cluster.loadImage(runner.tar);
  return cluster;
}

function jobsConfig(node: boolean) {
  return {
    namespace: namespaces.jobs,
    resources: namespaces.resources,
    image,
    imagePullPolicy: 'Never',
    reportUrl: `http://${node ? bridge : '127.0.0.1'}:${reportPort}`,
    reportPort,
    maxJobs: 1_000,
  };
}

/** Only writes that were answered: reads are many and count for nothing here. */
const policy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete'] }, { level: 'None' }],
};

async function install({ kubectl }: ControlPlane): Promise<void> {
  const definitions = fileURLToPath(new URL('../../crds', import.meta.url));
  await kubectl(['apply', '--server-side', '-f', definitions]);
  const names = Object.values(resourceKinds).map(({ plural }) => `crd/${plural}.pipewright.dev`);
  await kubectl(['wait', '--for=condition=Established', ...names]);
  for (const namespace of Object.values(namespaces)) await kubectl(['create', 'namespace', namespace]);
}

/** A pipeline of one trivial block. */
export function trivial(name: string, schedule: string, more = ''): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: ${name} }
spec:
  schedule: { ${schedule} }
${more}  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
`;
}

export async function until(condition: () => Promise<boolean>, everyMs = 200): Promise<void> {
  while (!(await condition())) await sleep(everyMs);
}

/** Until everything is shown and the controller has written nothing for a while. */
export async function untilQuiet({ query, audit }: Ground): Promise<void> {
  const writes = () => controllerWrites(audit()).length;
  for (let before = -1; before !== writes(); await sleep(quietMs)) {
    before = writes();
    await until(async () => (await query('select count(*)::int as dirty from dirty'))[0]?.dirty === 0);
  }
}

/** Resident memory of a process in MB: now, and the most so far. */
export function memory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (field: string) =>
    Math.round((Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6);
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}
