import { describe, expect, test } from 'vitest';
import { makeJob, makeTombstone } from '../../../../controller/executors/jobs/job.ts';
import type { JobSettings } from '../../../../controller/executors/jobs/settings.ts';
import type { TaskOrder } from '../../../../schemas/generated/types.ts';
import { order } from './order.ts';

const base: JobSettings = {
  namespace: 'jobs',
  image: 'runner:1',
  reportUrl: (attemptId) => `http://controller/${attemptId}/report`,
  token: (attemptId) => `token-of-${attemptId}`,
  pendingMs: 60_000,
  ttlSeconds: 3_600,
};

type Variable = { name: string; value?: string; valueFrom?: object };
type PodSpec = { containers: { env: Variable[]; volumeMounts: object[] }[]; volumes: object[] };
type JobSpec = { activeDeadlineSeconds?: number; template: { metadata: object; spec: PodSpec } };

function job(options: { order?: Partial<TaskOrder>; settings?: Partial<JobSettings>; secrets?: object[] } = {}) {
  const secrets = (options.secrets ?? []) as { name: string; key: string }[];
  const input = {
    order: order(options.order),
    bundle: async () => Buffer.of(),
    environment: ['POSTGRES_HOST'],
    secrets,
  };
  const made = makeJob(input, { ...base, ...options.settings });
  const spec = made.spec as JobSpec;
  const pod = spec.template.spec;
  return { made, spec, pod, env: new Map(pod.containers[0]?.env.map((one) => [one.name, one])) };
}

describe('the Job of an attempt', () => {
  test('makes one pod, another one only where a disruption took the first, and stays until it is told to go', () => {
    expect(job().spec).not.toHaveProperty('ttlSecondsAfterFinished');
    expect(job().spec).toMatchObject({
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }] },
    });
  });

  test('has a deadline of its timeout and the wait for a node, and none without a timeout', () => {
    expect(job({ order: { timeoutMs: 1_500 } }).spec.activeDeadlineSeconds).toBe(62);
    expect(job().spec).not.toHaveProperty('activeDeadlineSeconds');
  });

  test('runs as nobody, on a read-only root, without privileges or a token of the API', () => {
    expect(job().pod).toMatchObject({
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'runner',
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
  });

  test('carries the attempt on itself and on its pods', () => {
    const { made, spec } = job();
    const metadata = {
      labels: {
        'app.kubernetes.io/managed-by': 'pipewright',
        'pipewright.dev/pipeline': 'taxi',
        'pipewright.dev/run': 'taxi-2019-01',
        'pipewright.dev/task': 'load_trips',
        'pipewright.dev/ledger': 'ledger-a',
        'pipewright.dev/bundle': '0123456789abcdef',
      },
      annotations: { 'pipewright.dev/attempt-id': '7.load_trips.1' },
    };
    expect(made.metadata).toMatchObject(metadata);
    expect(spec.template.metadata).toMatchObject(metadata);
  });

  test('hands over an order with the places of the pod, and where to report', () => {
    const { env } = job({ settings: { artifactsClaim: 'shared' } });
    expect(JSON.parse(env.get('PIPEWRIGHT_ORDER')?.value ?? '')).toEqual(
      order({
        bundle: { ...order().bundle, path: '/etc/pipewright/bundle/bundle.json.gz' },
        artifacts: '/artifacts/7',
      }),
    );
    expect(env.get('PIPEWRIGHT_REPORT_URL')?.value).toBe('http://controller/7.load_trips.1/report');
    expect(env.get('PIPEWRIGHT_REPORT_TOKEN')?.value).toBe('token-of-7.load_trips.1');
    expect(env.get('HOME')?.value).toBe('/scratch');
  });

  test('has no folder for artifacts without a claim', () => {
    const { env, pod } = job();
    expect(JSON.parse(env.get('PIPEWRIGHT_ORDER')?.value ?? '')).toHaveProperty('artifacts', '');
    expect(pod.volumes).toHaveLength(2);
    expect(job({ settings: { artifactsClaim: 'shared' } }).pod.volumes).toHaveLength(3);
  });

  test('keeps a dollar in an order from being read as a reference by the kubelet', () => {
    const { env } = job({ order: { variables: { path: '$(HOME)/x' } } });
    expect(env.get('PIPEWRIGHT_ORDER')?.value).toContain('$$(HOME)/x');
  });

  test('names secrets and never holds them, and passes on no variable of the controller', () => {
    const { env } = job({ secrets: [{ name: 'warehouse', key: 'password' }] });
    expect(env.get('PIPEWRIGHT_SECRET_warehouse__password')).toEqual({
      name: 'PIPEWRIGHT_SECRET_warehouse__password',
      valueFrom: { secretKeyRef: { name: 'warehouse', key: 'password', optional: true } },
    });
    expect(env.has('POSTGRES_HOST')).toBe(false);
  });

  test('takes what the operator decides about all pods', () => {
    const envFrom = [{ secretRef: { name: 'connections' } }];
    const settings = {
      imagePullPolicy: 'Never',
      serviceAccount: 'runner',
      pullSecrets: ['registry'],
      resources: { limits: { memory: '1Gi' } },
      nodeSelector: { pool: 'jobs' },
      tolerations: [{ key: 'jobs', operator: 'Exists' }],
      envFrom,
      environment: { LOG_LEVEL: 'debug', HOME: '/root' },
      scratchSize: '20Gi',
    } as const;
    const { pod, env } = job({ settings });
    expect(pod).toMatchObject({
      serviceAccountName: 'runner',
      imagePullSecrets: [{ name: 'registry' }],
      nodeSelector: settings.nodeSelector,
      tolerations: settings.tolerations,
      containers: [{ imagePullPolicy: 'Never', resources: settings.resources, envFrom }],
      volumes: [{ name: 'pipewright-bundle' }, { name: 'pipewright-scratch', emptyDir: { sizeLimit: '20Gi' } }],
    });
    expect(env.get('LOG_LEVEL')?.value).toBe('debug');
    expect(env.get('HOME')?.value).toBe('/scratch');
  });
});

test('a tombstone has the name and the marks of the Job, and no pod', () => {
  const { made } = job();
  const tombstone = makeTombstone(made, base);
  expect(tombstone.metadata).toMatchObject({
    name: made.metadata.name,
    namespace: 'jobs',
    labels: made.metadata.labels,
    annotations: { 'pipewright.dev/attempt-id': '7.load_trips.1', 'pipewright.dev/ended-by': 'fence' },
  });
  expect(tombstone.spec).toMatchObject({ completions: 0, parallelism: 0, ttlSecondsAfterFinished: 3_600 });
});
