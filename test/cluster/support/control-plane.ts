import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findBinaries, say } from './binaries.ts';
import { startKeeper } from './keeper.ts';
import { installPackages } from './packages.ts';
import { runProgram } from './run-program.ts';

/** The time limit for a hook that starts a cluster, ms: the first start on a machine builds it. */
export const firstStart = 30 * 60_000;

export type ControlPlane = {
  /** Path of a kubeconfig file of cluster-admin. */
  readonly kubeconfig: string;
  /** False where KUBEBUILDER_ASSETS names a folder without kube-controller-manager: Jobs then stay as they were created. */
  readonly jobController: boolean;
  /** Returns what it prints; throws with what it says where it fails. `input` is its standard input. */
  kubectl(args: string[], input?: string): Promise<string>;
  /** Ends every process and removes every file of it. */
  stop(): Promise<void>;
};

/**
 * A real API server with etcd, controller manager and scheduler on loopback ports of its own, without a node: pods are
 * created and stay Pending. Any number at once. Ends with the process that started it. Where KUBEBUILDER_ASSETS is set its
 * etcd and kube-apiserver are taken, without Job controller.
 */
export async function startControlPlane(): Promise<ControlPlane> {
  const bin = process.env.KUBEBUILDER_ASSETS || (await findOwn());
  const jobController = existsSync(join(bin, 'kube-controller-manager'));
  if (!jobController) say(`${bin} (KUBEBUILDER_ASSETS) has no kube-controller-manager: no Job will ever start a pod`);
  await installPackages('control plane');
  const { folder, stop } = await startKeeper({ bin, node: false });
  const kubeconfig = join(folder, 'pki/admin.conf');
  return {
    kubeconfig,
    jobController,
    kubectl: createKubectl({ bin, kubeconfig, cache: join(folder, 'kubectl') }),
    stop,
  };
}

function findOwn(): Promise<string> {
  if (process.platform !== 'linux')
    throw new Error(
      `a test control plane runs on Linux only, and this is ${process.platform}; run these tests in a Linux machine`,
    );
  return findBinaries();
}

/** `bin`: the folder with kubectl; where there is none, the one on PATH. */
export function createKubectl(options: { bin: string; kubeconfig: string; cache: string }): ControlPlane['kubectl'] {
  const own = join(options.bin, 'kubectl');
  const command = existsSync(own) ? own : 'kubectl';
  // A later cluster on the same port must not meet the API groups of an earlier one.
  const env = { ...process.env, KUBECONFIG: options.kubeconfig, KUBECACHEDIR: options.cache };
  return (args, input) => runProgram(command, args, { env, input });
}
