import { describe, expect, test } from 'vitest';
import { RefusedError } from '../../../controller/executors/port.ts';
import type { PodSettings } from '../../../schemas/generated/types.ts';
import { id, jobKind, running, soon, useJobs } from './bench.ts';

const at = useJobs();

const launch = (pod: PodSettings) => at.executor.launch(at.attempt(id, {}, { pod }));

describe('the pod of a task', () => {
  test('is as its manifest says', async () => {
    const pod: PodSettings = {
      resources: { requests: { cpu: '250m', memory: 1_000_000 }, limits: { memory: '1Gi' } },
      image: 'team/runner:3',
      pullSecrets: ['registry'],
      serviceAccount: 'loader',
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'spot', operator: 'Exists' }],
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone' }] } },
      priorityClass: 'urgent',
      volumes: [
        { name: 'rules', mountPath: '/rules', readOnly: true, configMap: { name: 'rules' } },
        { name: 'keys', mountPath: '/keys', secret: { secretName: 'keys', items: [{ key: 'a', path: 'b' }] } },
        { name: 'data', mountPath: '/data', subPath: 'x', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'room', mountPath: '/room', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
      ],
      securityContext: { runAsUser: 1000, capabilities: { add: ['NET_BIND_SERVICE'] } },
    };
    await at.plane.kubectl(['create', 'serviceaccount', 'loader', '-n', at.namespace]);
    await at.plane.kubectl(['create', 'priorityclass', 'urgent', '--value=10']);
    await launch(pod);
    const { spec } = (await at.firstPod()) as unknown as { spec: { volumes: { name: string }[] } };
    expect(spec).toMatchObject({
      serviceAccountName: 'loader',
      automountServiceAccountToken: false,
      priorityClassName: 'urgent',
      priority: 10,
      nodeSelector: pod.nodeSelector,
      affinity: pod.affinity,
      imagePullSecrets: [{ name: 'registry' }],
      securityContext: { runAsUser: 1000, runAsNonRoot: true },
      containers: [
        {
          image: 'team/runner:3',
          resources: { requests: { cpu: '250m', memory: '1M' }, limits: { memory: '1Gi' } },
          securityContext: { capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } },
        },
      ],
    });
    // No volume for a token among them.
    expect(spec.volumes.map(({ name }) => name)).toEqual([
      'pipewright-bundle',
      'pipewright-scratch',
      'rules',
      'keys',
      'data',
      'room',
    ]);
  });

  test('that the API server finds wrong is refused at once, in a sentence', async () => {
    const volume = { name: 'data', mountPath: '/scratch', emptyDir: {} };
    const refused = launch({ volumes: [volume] });
    await expect(refused).rejects.toThrow(/^the API server refuses its Job: .*must be unique/);
    await expect(refused).rejects.toMatchObject({ reason: 'JobRefused' });
    expect(await at.executor.fence(id)).toBeNull();
    expect(await at.podNames()).toEqual([]);
  });
});

describe('another namespace', () => {
  const team = () => `${at.namespace}-team`;

  async function launchThere(): Promise<void> {
    await at.makeNamespace(team());
    at.executor = at.create({ namespaces: [team()], youngMs: 0 });
    await launch({ namespace: team() });
  }

  test('holds the Jobs and the bundles of its pipelines', async () => {
    await launchThere();
    await launch({ namespace: team() });
    const pod = await at.firstPod(team());
    expect(await at.jobs(team())).toHaveLength(1);
    expect(await at.bundlesIn(team())).toHaveLength(1);
    expect(await at.jobs()).toEqual([]);
    expect(await at.bundlesIn()).toEqual([]);
    await expect
      .poll(() => at.executor.describe?.(id), soon)
      .toMatchObject({ namespace: team(), pod: pod.metadata.name });
    await at.say(pod, running);
    expect(await at.observed()).toEqual({ state: 'running' });
  });

  test('is where an attempt is stopped, fenced and barred', async () => {
    await launchThere();
    await at.firstPod(team());
    await at.executor.stop(id);
    await expect.poll(() => at.pods(team()), soon).toEqual([]);
    await at.plane.kubectl(['delete', 'jobs', '--all', '-n', team()]);
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason: 'JobDeleted' });
    expect(await at.executor.fence(id)).toBeNull();
    await at.create({ namespaces: [team()] }).launch(at.attempt(id, {}, { pod: { namespace: team() } }));
    expect(await at.pods(team())).toEqual([]);
  });

  test('is swept as the first one is', async () => {
    await launchThere();
    await at.firstPod(team());
    await at.executor.sweep([]);
    await expect.poll(() => at.pods(team()), soon).toEqual([]);
  });

  test('that nobody watches gets no Job', async () => {
    await at.makeNamespace(team());
    await expect(launch({ namespace: team() })).rejects.toThrow(RefusedError);
    expect(await at.jobs(team())).toEqual([]);
  });

  test('that cannot be watched holds up no attempt of another', async () => {
    const rights = ['--verb=get,list,watch,create,patch,delete', '--resource=jobs,pods,configmaps,events'];
    await at.plane.kubectl(['create', 'role', 'controller', '-n', at.namespace, ...rights]);
    const account = `--serviceaccount=${at.namespace}:default`;
    await at.plane.kubectl(['create', 'rolebinding', 'controller', '-n', at.namespace, '--role=controller', account]);
    at.kubernetes = await at.connectAs('default');
    at.executor = at.create({ namespaces: ['kube-system'] });
    await launch({});
    await expect.poll(() => at.executor.describe?.(id)?.pending?.reason, soon).toBe('Unschedulable');
    const { metadata } = await at.firstJob();
    await at.kubernetes.patch(jobKind, metadata, { spec: { activeDeadlineSeconds: 1 } });
    await expect.poll(at.observed, soon).toMatchObject({ state: 'gone', reason: 'TimedOut' });
    expect(await at.executor.fence(id)).toBeNull();
  });
});
