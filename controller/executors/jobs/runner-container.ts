import type { TaskOrder } from '../../../schemas/generated/types.ts';
import { secretVariable } from '../../../schemas/secrets.ts';
import type { LaunchInput } from '../port.ts';
import { bundleName } from './name.ts';
import { literal, type PodPart } from './pod-part.ts';
import { given, type JobSettings } from './settings.ts';

const bundleFolder = '/etc/pipewright/bundle';
export const bundleFile = 'bundle.json.gz';

/** The runner, with its bundle, its scratch and the place for what tasks hand to each other. */
export function runnerContainer(input: LaunchInput, settings: JobSettings): PodPart {
  const { image, command, envFrom, artifactsClaim, scratchSize } = settings;
  return {
    container: {
      image: input.task?.pod?.image ?? image,
      ...given({ command, envFrom }),
      env: environment(input, settings),
    },
    mounts: [
      { name: 'pipewright-bundle', mountPath: bundleFolder, readOnly: true },
      { name: 'pipewright-scratch', mountPath: '/scratch' },
      ...(artifactsClaim === undefined ? [] : [{ name: 'pipewright-artifacts', mountPath: '/artifacts' }]),
    ],
    volumes: [
      { name: 'pipewright-bundle', configMap: { name: bundleName(input.order.bundle.digest) } },
      { name: 'pipewright-scratch', emptyDir: given({ sizeLimit: scratchSize }) },
      ...(artifactsClaim === undefined
        ? []
        : [{ name: 'pipewright-artifacts', persistentVolumeClaim: { claimName: artifactsClaim } }]),
    ],
  };
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
    ...Object.entries(values).map(([name, value]) => ({ name, value: literal(value) })),
    // Optional: the runner of a pod without it says which one is missing, where the pod itself would only wait.
    ...secrets.map(({ name, key }) => ({
      name: secretVariable({ name, key }),
      valueFrom: { secretKeyRef: { name, key, optional: true } },
    })),
    // What the pod was given in the end, also by the defaults of its namespace: its use is held against that.
    { name: 'PIPEWRIGHT_REQUESTED_MEMORY', valueFrom: { resourceFieldRef: { resource: 'requests.memory' } } },
    { name: 'PIPEWRIGHT_REQUESTED_CPU', valueFrom: { resourceFieldRef: { resource: 'requests.cpu', divisor: '1m' } } },
  ];
}
