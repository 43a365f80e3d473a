import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createKubernetes, type Kind, type Resource } from '../../controller/kubernetes/client.ts';
import { makeReport } from '../support/report.ts';

const pods: Kind = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
const nodes: Kind = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };
const name = 'pretended';
const host = '127.0.0.1';
const lookMs = 250;
const beatMs = 10_000;

type Pod = Resource & {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly {
      readonly name: string;
      readonly env?: readonly { name: string; value?: string }[];
    }[];
  };
  readonly status: { readonly phase: string };
};

/**
 * A node without machine: its pods run for `runMs`, report as a runner does and have succeeded. For what a controller does about
 * runs, where no real node is at hand; how fast a node is, it does not tell.
 */
export async function startPretendedNode(options: { kubeconfig: string; namespace: string; runMs: number }) {
  const { kubeconfig, namespace, runMs } = options;
  const kubernetes = createKubernetes({ kubeconfig, log: pino({ level: 'silent' }) });
  const stop = new AbortController();
  const logs = await serveLogs(dirname(kubeconfig));
  const daemonEndpoints = { kubeletEndpoint: { Port: (logs.address() as AddressInfo).port } };
  const capacity = { cpu: '1000', memory: '1000Gi', pods: '1000', 'ephemeral-storage': '1000Gi' };
  await kubernetes.create({ apiVersion: 'v1', kind: 'Node', metadata: { name } });

  async function beat(): Promise<void> {
    const at = new Date().toISOString();
    const condition = { type: 'Ready', status: 'True', reason: 'Pretended', message: '', lastHeartbeatTime: at };
    const status = {
      addresses: [{ type: 'InternalIP', address: host }],
      daemonEndpoints,
      capacity,
      allocatable: capacity,
      conditions: [{ ...condition, lastTransitionTime: at }],
    };
    await kubernetes.apply(
      { apiVersion: nodes.apiVersion, kind: nodes.kind, metadata: { name }, status },
      { subresource: 'status' },
    );
  }

  async function setState(pod: Pod, phase: string, state: object, startedAt: string): Promise<void> {
    const container = pod.spec.containers[0]?.name;
    const about = { name: container, image: 'pretended', imageID: 'pretended', ready: false, restartCount: 0, state };
    await kubernetes.apply(
      {
        apiVersion: pods.apiVersion,
        kind: pods.kind,
        metadata: { name: pod.metadata.name, namespace },
        status: { phase, startTime: startedAt, containerStatuses: [about] },
      },
      { subresource: 'status' },
    );
  }

  async function run(pod: Pod): Promise<void> {
    const startedAt = new Date().toISOString();
    await setState(pod, 'Running', { running: { startedAt } }, startedAt);
    await sleep(runMs);
    await report(pod);
    const finishedAt = new Date().toISOString();
    await setState(
      pod,
      'Succeeded',
      { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt } },
      startedAt,
    );
  }

  const begun = new Set<string>();
  async function work(): Promise<void> {
    let beatenAt = Number.NEGATIVE_INFINITY;
    while (!stop.signal.aborted) {
      if (performance.now() - beatenAt > beatMs) {
        beatenAt = performance.now();
        await beat();
      }
      const here = (await kubernetes.list(pods, {
        namespace,
        fields: `spec.nodeName=${name},status.phase=Pending`,
      })) as Pod[];
      for (const pod of here) {
        if (begun.has(pod.metadata.uid ?? '')) continue;
        begun.add(pod.metadata.uid ?? '');
        run(pod).catch((error) => console.error(`pod ${pod.metadata.name}: ${error.message}`));
      }
      await sleep(lookMs);
    }
  }
  const working = work();
  return {
    async stop(): Promise<void> {
      stop.abort();
      await working;
      logs.close();
      logs.closeAllConnections();
    },
  };
}

/** The one line that every container has written, where the API server asks a kubelet for it. */
async function serveLogs(keys: string) {
  const [key, cert] = ['apiserver.key', 'apiserver.crt'].map((file) => readFileSync(join(keys, file)));
  const server = createServer({ key, cert }, (_asked, answer) => answer.end('done\n'));
  server.listen(0, host);
  await once(server, 'listening');
  return server;
}

async function report({ spec }: Pod): Promise<void> {
  const env = Object.fromEntries((spec.containers[0]?.env ?? []).map(({ name, value }) => [name, value ?? '']));
  const { PIPEWRIGHT_ORDER = '{}', PIPEWRIGHT_REPORT_URL = '', PIPEWRIGHT_REPORT_TOKEN = '' } = env;
  const answer = await fetch(PIPEWRIGHT_REPORT_URL, {
    method: 'POST',
    headers: { authorization: `Bearer ${PIPEWRIGHT_REPORT_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(makeReport({ attemptId: JSON.parse(PIPEWRIGHT_ORDER).attemptId })),
  });
  if (!answer.ok) throw new Error(`the report was refused with ${answer.status}`);
}
