import { describe, expect, test } from 'vitest';
import { makeJob } from '../../../../controller/executors/jobs/job.ts';
import type { JobSettings } from '../../../../controller/executors/jobs/settings.ts';
import type { ContainerTask, TaskNeeds } from '../../../../controller/executors/port.ts';
import type { PodSettings, TaskOrder } from '../../../../schemas/generated/types.ts';
import { order } from './order.ts';

type PodSpec = { containers: { env: object[]; args?: string[]; securityContext: object }[]; volumes: object[] };

const origin = { file: 'score.yaml', line: 7, column: 5 };
const score: ContainerTask = { block: 'score', origin, image: 'team/score:2', env: {}, inputs: [] };

function made(task: TaskNeeds, more: { settings?: Partial<JobSettings>; order?: Partial<TaskOrder> } = {}) {
  const input = { order: order(more.order), bundle: async () => Buffer.of(), environment: [], secrets: [], task };
  const job = makeJob(input, {
    namespace: 'jobs',
    image: 'runner:1',
    reportUrl: () => 'http://controller',
    token: () => 'token',
    pendingMs: 60_000,
    ttlSeconds: 3_600,
    ...more.settings,
  });
  const { template } = job.spec as { template: { metadata: { annotations: Record<string, string> }; spec: PodSpec } };
  return { job, pod: template.spec, annotations: template.metadata.annotations };
}

const asked = (pod: PodSettings, settings: Partial<JobSettings> = {}) => made({ pod }, { settings }).pod;

describe('what a manifest says of its pod', () => {
  test('stands instead of what the operator gives to all', () => {
    const resources = { requests: { cpu: '1' }, limits: { memory: '2Gi' } };
    const pod = { resources, image: 'team/runner:3', serviceAccount: 'loader', priorityClass: 'high' };
    const settings = { resources: { limits: { memory: '1Gi' } }, serviceAccount: 'runner', priorityClass: 'low' };
    expect(asked({ ...pod, automountServiceAccountToken: true }, settings)).toMatchObject({
      serviceAccountName: 'loader',
      priorityClassName: 'high',
      automountServiceAccountToken: true,
      containers: [{ image: 'team/runner:3', resources }],
    });
  });

  test('narrows the operator’s choice of nodes and cannot leave it', () => {
    const settings = {
      nodeSelector: { pool: 'jobs' },
      tolerations: [{ key: 'jobs' }],
      affinity: { nodeAffinity: {} },
      pullSecrets: ['registry'],
    };
    const pod = {
      nodeSelector: { pool: 'controllers', disk: 'ssd' },
      tolerations: [{ key: 'spot' }],
      affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] }, podAntiAffinity: {} },
      pullSecrets: ['team', 'registry'],
    };
    expect(asked(pod, settings)).toMatchObject({
      nodeSelector: { pool: 'jobs', disk: 'ssd' },
      tolerations: [{ key: 'jobs' }, { key: 'spot' }],
      affinity: { nodeAffinity: {}, podAntiAffinity: {} },
      imagePullSecrets: [{ name: 'registry' }, { name: 'team' }],
    });
  });

  test('mounts volumes beside the runner’s own', () => {
    const volumes = [
      { name: 'keys', mountPath: '/keys', readOnly: true, secret: { secretName: 'keys' } },
      { name: 'bundle', mountPath: '/data', subPath: 'a', persistentVolumeClaim: { claimName: 'data' } },
    ];
    const pod = asked({ volumes });
    expect(pod.volumes).toEqual([
      expect.objectContaining({ name: 'pipewright-bundle' }),
      expect.objectContaining({ name: 'pipewright-scratch' }),
      { name: 'keys', secret: { secretName: 'keys' } },
      { name: 'bundle', persistentVolumeClaim: { claimName: 'data' } },
    ]);
    expect(pod.containers[0]).toMatchObject({
      volumeMounts: [
        { name: 'pipewright-bundle' },
        { name: 'pipewright-scratch' },
        { name: 'keys', mountPath: '/keys', readOnly: true },
        { name: 'bundle', mountPath: '/data', subPath: 'a' },
      ],
    });
  });

  test('moves its Job to another namespace', () => {
    expect(made({ pod: { namespace: 'team-a' } }).job.metadata.namespace).toBe('team-a');
    expect(made({}).job.metadata.namespace).toBe('jobs');
  });
});

describe('the security context', () => {
  test.each([
    ['nobody, when nothing is said', {}, { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532 }],
    ['the user that is named', { runAsUser: 1000 }, { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 65532 }],
    ['root, when root is named', { runAsUser: 0 }, { runAsNonRoot: false, runAsUser: 0 }],
    ['the image’s own user, when that may be root', { runAsNonRoot: false }, { runAsNonRoot: false }],
  ])('makes the pod’s processes %s', (_, securityContext, expected) => {
    const { securityContext: seen } = asked({ securityContext }) as unknown as { securityContext: object };
    const shared = {
      fsGroup: 65532,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    };
    expect(seen).toEqual({ ...expected, ...shared });
  });

  test('keeps from the container what is not asked for', () => {
    const capabilities = { add: ['NET_BIND_SERVICE'] };
    expect(asked({ securityContext: { capabilities, readOnlyRootFilesystem: false } }).containers[0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        privileged: false,
        readOnlyRootFilesystem: false,
        capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
      },
    });
    expect(asked({ securityContext: { privileged: true } }).containers[0]).toMatchObject({
      securityContext: { allowPrivilegeEscalation: true, privileged: true },
    });
  });
});

describe('the pod of a container block', () => {
  test('runs its image, with its own environment and none of the runner’s', () => {
    const secretKeyRef = { name: 'api', key: 'token' };
    const container = {
      ...score,
      command: ['score'],
      args: ['--out', '$(HOME)'],
      env: { MODE: 'full', API: { secretKeyRef } },
    };
    const { pod } = made({ container }, { settings: { envFrom: [{ secretRef: { name: 'connections' } }] } });
    expect(pod.containers).toEqual([
      {
        name: 'runner',
        image: 'team/score:2',
        command: ['score'],
        args: ['--out', '$$(HOME)'],
        env: [
          { name: 'HOME', value: '/tmp' },
          { name: 'MODE', value: 'full' },
          { name: 'API', valueFrom: { secretKeyRef } },
        ],
        terminationMessagePolicy: 'FallbackToLogsOnError',
        securityContext: expect.objectContaining({ readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }),
        volumeMounts: [{ name: 'pipewright-tmp', mountPath: '/tmp' }],
      },
    ]);
    expect(pod.volumes).toEqual([{ name: 'pipewright-tmp', emptyDir: {} }]);
  });

  test('has no more than the runner’s by default', () => {
    expect(made({ container: score }).pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532 },
    });
  });

  test('sees of the rows of other tasks only those it reads, and cannot change them', () => {
    const container = { ...score, inputs: ['trips', 'zones'] };
    const { pod } = made({ container }, { settings: { artifactsClaim: 'shared' } });
    const mount = { name: 'pipewright-inputs', readOnly: true };
    expect(pod.containers[0]).toMatchObject({
      volumeMounts: [
        { name: 'pipewright-tmp' },
        { ...mount, mountPath: '/inputs/trips.parquet', subPath: '7/trips.parquet' },
        { ...mount, mountPath: '/inputs/zones.parquet', subPath: '7/zones.parquet' },
      ],
    });
    expect(() => made({ container })).toThrow('block "score" reads rows, and there is no place to hand them over');
  });

  test('is ended by its node after the timeout, which no runner keeps', () => {
    const timeoutMs = 1_500;
    expect(made({ container: score }, { order: { timeoutMs } }).pod).toHaveProperty('activeDeadlineSeconds', 2);
    expect(made({}, { order: { timeoutMs } }).pod).not.toHaveProperty('activeDeadlineSeconds');
  });

  test('has its own /tmp where it mounts one', () => {
    const volumes = [{ name: 'big', mountPath: '/tmp', emptyDir: { sizeLimit: '5Gi' } }];
    const { pod } = made({ container: score, pod: { volumes } });
    expect(pod.volumes).toEqual([{ name: 'big', emptyDir: { sizeLimit: '5Gi' } }]);
  });

  test('tells on its Job and its pods which block it is', () => {
    const { job, annotations } = made({ container: score });
    const about = { 'pipewright.dev/container': JSON.stringify({ block: 'score', ...origin }) };
    expect(annotations).toMatchObject(about);
    expect(job.metadata.annotations).toMatchObject(about);
  });
});
