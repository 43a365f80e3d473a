import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { JobsConfig } from '../schemas/generated/types.ts';
import { drain } from './executors/jobs/drain.ts';
import { podKind } from './executors/jobs/kinds.ts';
import { createKubernetes, type Kind, type Kubernetes } from './kubernetes/client.ts';
import { createPool } from './store/pool.ts';
import { readLedger } from './store/reports.ts';

const deploymentKind: Kind = { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' };
const lookMs = 500;
/** Both together stay below the five minutes that Helm gives a hook. */
const patience = { controllersMs: 90_000, jobsMs: 150_000 };

type Options = {
  readonly config: JobsConfig;
  /** Name of the controllers' Deployment in `config.resources`. */
  readonly deployment: string;
  readonly databaseUrl: string | undefined;
  readonly log: Logger;
};

/**
 * What comes before an uninstall: stops the controllers, so that nobody makes new Jobs, and ends all Jobs that there are. Returns how
 * many those were. Throws a sentence where something does not end.
 */
export async function drainRelease({ config, deployment, databaseUrl, log }: Options): Promise<number> {
  const kubernetes = createKubernetes({ log });
  await stopControllers(kubernetes, { namespace: config.resources, name: deployment });
  const namespaces = [...new Set([config.namespace, ...(config.policy?.namespaces ?? [])])];
  const ledgerId = () => readLedgerId(databaseUrl, log);
  return drain({ kubernetes, namespaces, ledgerId, patienceMs: patience.jobsMs });
}

async function stopControllers(kubernetes: Kubernetes, key: { namespace: string; name: string }): Promise<void> {
  const { namespace, name } = key;
  const deployment = await kubernetes.get(deploymentKind, key);
  if (!deployment) return;
  const { selector } = deployment.spec as { selector: { matchLabels: Record<string, string> } };
  const labels = Object.entries(selector.matchLabels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const deadline = performance.now() + patience.controllersMs;
  await kubernetes.patch(deploymentKind, key, { spec: { replicas: 0 } }, { subresource: 'scale' });
  for (;;) {
    const left = await kubernetes.list(podKind, { namespace, labels });
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      const names = left.map(({ metadata }) => metadata.name).join(', ');
      throw new Error(
        `Deployment ${namespace}/${name}: ${names} did not end; look at its node, or uninstall with --no-hooks`,
      );
    }
    await delay(lookMs);
  }
}

async function readLedgerId(url: string | undefined, log: Logger): Promise<string> {
  if (!url) throw new Error('DATABASE_URL is not set, and only the store knows which Jobs are its own; set it');
  const pool = createPool({ url, log, max: 1 });
  try {
    return (await readLedger(pool)).id;
  } finally {
    await pool.end();
  }
}
