import { KubeConfig } from '@kubernetes/client-node';

/** Throws a sentence where the file can't be read, has no such context, or names no cluster. */
export function loadConfig(options: { kubeconfig?: string; context?: string }): KubeConfig {
  const config = load(options);
  const { context } = options;
  if (context !== undefined) {
    if (!config.getContextObject(context)) {
      const known = config.getContexts().map(({ name }) => name);
      throw new Error(`the kubeconfig has no context "${context}"; it has ${known.join(', ') || 'none'}`);
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  // The library's last resort is a plain port of this machine, where nothing has listened for years.
  if (!cluster || (cluster.server.startsWith('http:') && !cluster.skipTLSVerify)) {
    throw new Error('no Kubernetes cluster is named; set KUBECONFIG, or a current context in the kubeconfig');
  }
  return config;
}

function load({ kubeconfig }: { kubeconfig?: string }): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfig) config.loadFromFile(kubeconfig);
    else config.loadFromDefault();
  } catch (error) {
    const which = kubeconfig ? `the kubeconfig ${kubeconfig}` : 'the kubeconfig';
    throw new Error(`${which} cannot be read (${(error as Error).message}); correct KUBECONFIG or the file`);
  }
  return config;
}
