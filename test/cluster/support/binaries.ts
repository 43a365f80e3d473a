import { fileURLToPath } from 'node:url';
import { findBuilt } from '../../support/go-build.ts';

/** The Go module and the scripts. */
export const kube = fileURLToPath(new URL('../kube', import.meta.url));

/**
 * The folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl, containerd,
 * ctr, coredns, helm and pause. Builds them where they are not in the cache.
 */
export function findBinaries(): Promise<string> {
  return findBuilt({ name: 'kube', sources: kube, purpose: 'the test cluster', what: 'the control plane', say });
}

/** A line for whoever waits: vitest keeps back what goes through `console`. */
export function say(line: string): void {
  process.stderr.write(`test cluster: ${line}\n`);
}
