import type { TaskOrder } from '../../../schemas/generated/types.ts';
import { secretVariable } from '../../../schemas/secrets.ts';
import type { Resource } from '../../kubernetes/client.ts';
import type { LaunchInput } from '../port.ts';
import { attemptAnnotation, endedAnnotation, labelsOf } from './labels.ts';
import { bundleName, jobName } from './name.ts';

export const containerName = 'runner';
const bundleFolder = '/etc/pipewright/bundle';
export const bundleFile = 'bundle.json.gz';
/** The user and group of the image; nobody on the node. */
const nobody = 65532;

/** What an operator decides about all Jobs. Fields of pods are given in the words and forms of Kubernetes. */
export type JobSettings = {
  /** Where Jobs and bundles are made. */
  readonly namespace: string;
  readonly image: string;
  readonly imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never';
  /** Instead of the image's own entry point. */
  readonly command?: readonly string[];
  readonly serviceAccount?: string;
  readonly pullSecrets?: readonly string[];
  readonly resources?: object;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly affinity?: object;
  readonly priorityClass?: string;
  /** Secrets and ConfigMaps whose keys become environment variables: the only ones that a connection may name. */
  readonly envFrom?: readonly object[];
  /** More variables for runners. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A claim for what tasks hand to each other; without it a pipeline of several tasks has no place for that. */
  readonly artifactsClaim?: string;
  /** The most that a pod may spill, such as `20Gi`. */
  readonly scratchSize?: string;
  readonly reportUrl: (attemptId: string) => string;
  /** What a runner shows to be allowed to report. */
  readonly token: (attemptId: string) => string;
  /** How long a pod may wait for its node, its image, a quota, in ms. */
  readonly pendingMs: number;
  /** How long an ended Job stays, in seconds: for a person, and as the mark that its attempt has been. */
  readonly ttlSeconds: number;
};

/** The Job of an attempt. Pure: the same order gives the same Job. */
export function makeJob(input: LaunchInput, settings: JobSettings): Resource {
  const { order } = input;
  const metadata = metadataOf(order);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, name: jobName(order), namespace: settings.namespace },
    spec: {
      backoffLimit: 0,
      // A disrupted pod (drain, preemption, pressure on its node) is followed by another one of the same attempt.
      podFailurePolicy: {
        rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
      // Never two pods at once: the next one comes when the last one has ended, not when it is asked to.
      podReplacementPolicy: 'Failed',
      // The runner keeps its own timeout. This one holds when it does not, or when no controller is there to look.
      ...(order.timeoutMs === null
        ? {}
        : { activeDeadlineSeconds: Math.ceil((order.timeoutMs + settings.pendingMs) / 1_000) }),
      ttlSecondsAfterFinished: settings.ttlSeconds,
      template: { metadata, spec: podSpec(input, settings) },
    },
  };
}

/**
 * A Job without a pod under the name of an attempt that must never begin (again): it has ended when it is made, and whoever
 * comes late with the real one finds the name taken.
 */
export function makeTombstone(job: Pick<Resource, 'metadata'>, settings: JobSettings): Resource {
  const { name, labels, annotations } = job.metadata;
  const metadata = { labels: labels ?? {}, annotations: { ...annotations, [endedAnnotation]: 'fence' } };
  const container = { name: containerName, image: settings.image, securityContext: containerSecurity };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, name, namespace: settings.namespace },
    spec: {
      completions: 0,
      parallelism: 0,
      backoffLimit: 0,
      ttlSecondsAfterFinished: settings.ttlSeconds,
      template: {
        metadata,
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: podSecurity,
          containers: [container],
        },
      },
    },
  };
}

/** What the Job and its pods carry. */
function metadataOf(order: TaskOrder) {
  return { labels: labelsOf(order), annotations: { [attemptAnnotation]: order.attemptId } };
}

const podSecurity = {
  runAsNonRoot: true,
  runAsUser: nobody,
  runAsGroup: nobody,
  fsGroup: nobody,
  // A claim with many files would otherwise be walked through before every pod.
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

const containerSecurity = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

function podSpec(input: LaunchInput, settings: JobSettings): object {
  const { serviceAccount, pullSecrets, nodeSelector, tolerations, affinity, priorityClass } = settings;
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: podSecurity,
    containers: [container(input, settings)],
    volumes: volumes(input.order, settings),
    ...given({ serviceAccountName: serviceAccount, nodeSelector, tolerations, affinity }),
    ...given({ priorityClassName: priorityClass, imagePullSecrets: pullSecrets?.map((name) => ({ name })) }),
  };
}

function container(input: LaunchInput, settings: JobSettings): object {
  const { image, imagePullPolicy, command, resources, envFrom, artifactsClaim } = settings;
  return {
    name: containerName,
    image,
    ...given({ imagePullPolicy, command, resources, envFrom }),
    env: environment(input, settings),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'bundle', mountPath: bundleFolder, readOnly: true },
      { name: 'scratch', mountPath: '/scratch' },
      ...(artifactsClaim === undefined ? [] : [{ name: 'artifacts', mountPath: '/artifacts' }]),
    ],
  };
}

function volumes(order: TaskOrder, { scratchSize, artifactsClaim }: JobSettings): object[] {
  return [
    { name: 'bundle', configMap: { name: bundleName(order.bundle.digest) } },
    { name: 'scratch', emptyDir: given({ sizeLimit: scratchSize }) },
    ...(artifactsClaim === undefined
      ? []
      : [{ name: 'artifacts', persistentVolumeClaim: { claimName: artifactsClaim } }]),
  ];
}

function environment({ order, secrets }: LaunchInput, settings: JobSettings): object[] {
  const { attemptId, run, bundle } = order;
  const inPod: TaskOrder = {
    ...order,
    bundle: { ...bundle, path: `${bundleFolder}/${bundleFile}` },
    artifacts: settings.artifactsClaim === undefined ? '' : `/artifacts/${run.id}`,
  };
  const values = {
    ...settings.environment,
    PIPEWRIGHT_ORDER: JSON.stringify(inPod),
    PIPEWRIGHT_REPORT_URL: settings.reportUrl(attemptId),
    PIPEWRIGHT_REPORT_TOKEN: settings.token(attemptId),
    HOME: '/scratch',
    TMPDIR: '/scratch',
    TZ: 'UTC',
    // DuckDB's queries occupy threads of this pool; with the usual four, file access would starve.
    UV_THREADPOOL_SIZE: '16',
  };
  return [
    // `$(NAME)` in a value would be replaced by the kubelet; `$$` keeps it as it is.
    ...Object.entries(values).map(([name, value]) => ({ name, value: value.replaceAll('$', '$$$$') })),
    // Optional: the runner of a pod without it says which one is missing, where the pod itself would only wait.
    ...secrets.map(({ name, key }) => ({
      name: secretVariable({ name, key }),
      valueFrom: { secretKeyRef: { name, key, optional: true } },
    })),
  ];
}

/** Without what is not given: the API takes no null for nothing. */
function given(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
