import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';
import { loadConfig } from '../controller/kubernetes/kubeconfig.ts';

/** The chart's labels of the controller, and the port of its API, which listens on loopback in the pod. */
const labels = 'app.kubernetes.io/name=pipewright,app.kubernetes.io/component=controller';
const apiPort = 6789;

export type ClusterOptions = { readonly context?: string | undefined; readonly namespace?: string | undefined };

/**
 * Opens a port of this machine that leads to the controller in a cluster, as `kubectl port-forward` does, with the user's kubeconfig.
 * Returns its URL; the port is open as long as this process lives. Throws a sentence when there is no controller.
 */
export async function forwardToController({ context, namespace }: ClusterOptions): Promise<string> {
  const config = loadConfig(context === undefined ? {} : { context });
  const place = namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  const deployment = await findController(config, place);
  const { PortForward } = await import('@kubernetes/client-node');
  const forward = new PortForward(config);
  const connect = async (socket: Socket) => {
    socket.on('error', () => {});
    try {
      await forward.portForwardDeployment(place, deployment, [apiPort], socket, null, socket);
    } catch {
      // The API client says that nobody answers.
      socket.destroy();
    }
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => void connect(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The name of the controller's Deployment. */
async function findController(config: KubeConfig, namespace: string): Promise<string> {
  const { AppsV1Api } = await import('@kubernetes/client-node');
  const where = `context "${config.getCurrentContext()}", namespace "${namespace}"`;
  const { items } = await config
    .makeApiClient(AppsV1Api)
    .listNamespacedDeployment({ namespace, labelSelector: labels })
    .catch((error: Error) => {
      throw new Error(`${where}: the cluster cannot be asked for the controller (${error.message.split('\n')[0]})`);
    });
  const name = items[0]?.metadata?.name;
  if (name !== undefined) return name;
  throw new Error(`${where}: there is no controller; install the chart there, or name another with --namespace`);
}
