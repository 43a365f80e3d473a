/**
 * `node test/cluster/up.ts [--node | --build]`: a control plane, with `--node` a cluster of one node with the base image loaded, for use by
 * hand. Prints its KUBECONFIG, and removes it at the end of its input or at Ctrl-C. `--build` only builds the binaries.
 */
import { once } from 'node:events';
import { findBinaries } from './support/binaries.ts';
import { startCluster } from './support/cluster.ts';
import { startControlPlane } from './support/control-plane.ts';
import { makeBaseImages } from './support/images.ts';

if (process.argv.includes('--build')) {
  await findBinaries();
  process.exit();
}
const cluster = process.argv.includes('--node') ? await startNode() : await startControlPlane();
process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig} PATH=${await findBinaries()}:$PATH\n`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process.stdin.resume(), 'end')]);
await cluster.stop();
process.exit();

async function startNode() {
  const { run } = await makeBaseImages();
  const node = await startCluster();
  await node.loadImage(run.tar);
  process.stdout.write(`# image for pods with imagePullPolicy: Never: ${run.tag}\n`);
  return node;
}
