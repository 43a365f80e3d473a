import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from './binaries.ts';
import { type ControlPlane, createKubectl } from './control-plane.ts';
import { startKeeper } from './keeper.ts';
import { installPackages, isRootOnDebian } from './packages.ts';

const run = promisify(execFile);

export type Cluster = ControlPlane & {
  /** Makes the image of an archive (docker-archive, as `buildImage` writes it) known to the node. Pods take it with `imagePullPolicy: Never`. */
  loadImage(tar: string): Promise<void>;
};

/**
 * A real cluster of one node (containerd, kubelet, kube-proxy, CoreDNS). One per machine: a second start waits until the
 * first has stopped, so give the hook `firstStart` as time limit. As root on Debian it is started here, and missing packages
 * are installed; elsewhere it is the disposable one of KUBECONFIG, if PIPEWRIGHT_TEST_CLUSTER=yes says that it is.
 */
export async function startCluster(): Promise<Cluster> {
  if (process.env.PIPEWRIGHT_TEST_CLUSTER === 'yes') return useForeignCluster();
  if (!isRootOnDebian()) {
    throw new Error(
      'a test node is started only by root on Debian; be that, or name a disposable cluster by KUBECONFIG and set PIPEWRIGHT_TEST_CLUSTER=yes',
    );
  }
  await installPackages('node');
  const bin = await findBinaries();
  const { folder, stop } = await startKeeper({ bin, node: true });
  const kubeconfig = join(folder, 'pki/admin.conf');
  return {
    kubeconfig,
    jobController: true,
    kubectl: createKubectl({ bin, kubeconfig, cache: join(folder, 'kubectl') }),
    async loadImage(tar) {
      await run(join(bin, 'ctr'), ['-a', join(folder, 'run/containerd.sock'), '-n', 'k8s.io', 'images', 'import', tar]);
    },
    stop,
  };
}

async function useForeignCluster(): Promise<Cluster> {
  const kubeconfig = process.env.KUBECONFIG;
  if (!kubeconfig) throw new Error('PIPEWRIGHT_TEST_CLUSTER=yes needs KUBECONFIG, the file of a disposable cluster');
  const cache = await mkdtemp(join(tmpdir(), 'pipewright-kubectl-'));
  return {
    kubeconfig,
    jobController: true,
    kubectl: createKubectl({ bin: '', kubeconfig, cache }),
    loadImage: loadIntoForeign,
    stop: () => rm(cache, { recursive: true, force: true }),
  };
}

/** Nobody but its owner knows how images come to the nodes of that cluster. */
async function loadIntoForeign(tar: string): Promise<void> {
  const command = process.env.PIPEWRIGHT_TEST_LOAD_IMAGE;
  if (!command) {
    throw new Error(
      `the image archive ${tar} must get to the nodes of this cluster; set PIPEWRIGHT_TEST_LOAD_IMAGE to the command that takes it there, as "kind load image-archive"`,
    );
  }
  const child = spawn('sh', ['-c', `${command} "$0"`, tar], { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => child.on('error', resolve).on('close', resolve));
  if (code !== 0) throw new Error(`${command} ${tar} (PIPEWRIGHT_TEST_LOAD_IMAGE) failed: ${code}`);
}
