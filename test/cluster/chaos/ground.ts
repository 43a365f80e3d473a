import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createKubernetes } from '../../../controller/kubernetes/client.ts';
import { startTestServer } from '../../support/postgres-server.ts';
import { installDefinitions } from '../custom-resources.ts';
import { startCluster } from '../support/cluster.ts';
import { buildProjectImages } from '../support/project-images.ts';
import { createInstallation, type InstallationOptions } from './installation.ts';
import { partsOf } from './parts.ts';
import { createSource } from './source.ts';

/** The bridge of the test cluster: what listens there is reached from pods. */
const reachable = '10.244.0.1';

/** A cluster with a node, and a Postgres server beside it for any number of installations. */
export async function createGround() {
  // Every controller is ended with this process.
  process.setMaxListeners(50);
  await using stack = new AsyncDisposableStack();
  const cluster = await startCluster();
  stack.defer(() => cluster.stop());
  const folder = await mkdtemp(join(tmpdir(), 'pipewright-chaos-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { runner } = await buildProjectImages();
  await cluster.loadImage(runner.tar);
  await installDefinitions(cluster);
  const postgres = await startTestServer({ reachable });
  stack.defer(() => postgres.stop());
  const source = await createSource(reachable);
  stack.defer(() => source.close());
  const kubernetes = createKubernetes({ kubeconfig: cluster.kubeconfig, log: pino({ level: 'silent' }) });
  const kept = stack.move();
  return {
    cluster,
    kubernetes,
    postgres,
    parts: partsOf(cluster),
    /** A Pipewright of its own, of which nothing runs yet. */
    async install(name: string, options: InstallationOptions = {}) {
      const place = { cluster, kubernetes, postgres, source, folder: join(folder, name), reachable, image: runner.tag };
      const installation = await createInstallation(name, place, options);
      kept.defer(() => installation.close());
      return installation;
    },
    close: () => kept.disposeAsync(),
  };
}

export type Ground = Awaited<ReturnType<typeof createGround>>;
