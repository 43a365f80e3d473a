import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

/** As many connections as the controller's client opens. */
const atOnce = 32;
export const bareAgent = 'bare-client';

/** Creates copies of a Job in its namespace, as fast as a client that does nothing else can. */
export async function createCopies(kubeconfig: string, template: JobTemplate, count: number): Promise<void> {
  const config = new KubeConfig();
  config.loadFromString(readFileSync(kubeconfig, 'utf8'));
  const own: Record<string, unknown> = {};
  await config.applyToHTTPSOptions(own);
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const path = `/apis/batch/v1/namespaces/${template.metadata.namespace}/jobs`;
  const url = new URL(`${config.getCurrentCluster()?.server}${path}`);
  let left = count;
  const worker = async () => {
    while (left > 0) {
      const body = JSON.stringify(copyOf(template, left--));
      const headers = { 'content-type': 'application/json', 'user-agent': bareAgent };
      const status = await new Promise<number>((resolve, reject) => {
        const call = request(url, { ...own, agent, method: 'POST', headers }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
        });
        call.on('error', reject).end(body);
      });
      if (status !== 201) throw new Error(`a bare Job was refused with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  agent.destroy();
}

export type JobTemplate = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [key: string]: unknown };
  readonly spec: { readonly template: { readonly spec: object; readonly [key: string]: unknown } };
};

/** What somebody else would have to write to get the same pod: the Job without what the server and its controllers added. */
export function templateOf(job: JobTemplate, namespace: string): JobTemplate {
  const { labels, annotations } = job.metadata as { labels?: object; annotations?: object };
  const { selector: _selector, template, ...spec } = job.spec as JobTemplate['spec'] & { selector?: unknown };
  return {
    apiVersion: job.apiVersion,
    kind: job.kind,
    metadata: { name: job.metadata.name, namespace, labels: { ...withoutServers(labels) }, annotations },
    spec: { ...spec, template: { metadata: { labels: withoutServers(labels), annotations }, spec: template.spec } },
  };
}

function withoutServers(labels: object = {}): object {
  return Object.fromEntries(
    Object.entries(labels).filter(
      ([name]) => !/(^|\.)(controller-uid|job-name|kubernetes\.io\/(controller-uid|job-name))$/.test(name),
    ),
  );
}

export function copyOf(template: JobTemplate, number: number): JobTemplate {
  return { ...template, metadata: { ...template.metadata, name: `bare-${number}` } };
}
