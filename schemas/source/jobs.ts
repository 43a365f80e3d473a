import { list, map, object, type Schema } from './common.ts';

const text = (description: string, extra: Schema = {}): Schema => ({ type: 'string', description, ...extra });
const inKubernetesWords = (description: string): Schema => ({
  type: 'object',
  description: `${description}, in the words of Kubernetes.`,
});

/** The file that `start --jobs` reads: what an operator decides about Jobs. */
export const jobs: Record<string, Schema> = {
  JobsConfig: object(
    'Tasks run as Kubernetes Jobs, as this says. Only operators write it; a manifest can change none of it.',
    {
      namespace: text('Where Jobs and their bundles are made; never the controller’s own namespace.', { minLength: 1 }),
      resources: text('Namespace in which PipelineRuns and Pipelines are shown.', { minLength: 1 }),
      image: text('The runner’s image.', { minLength: 1 }),
      imagePullPolicy: text('When it is pulled.', { enum: ['Always', 'IfNotPresent', 'Never'] }),
      serviceAccount: text('Service account of the Jobs’ pods; no token of it is mounted.'),
      pullSecrets: list('Names of the secrets that the image is pulled with.', text('A name.')),
      podResources: inKubernetesWords('Requests and limits of the runner’s container'),
      nodeSelector: map('Labels of the nodes that Jobs may run on.', text('The label’s value.')),
      tolerations: list('Taints that Jobs tolerate.', inKubernetesWords('A toleration')),
      affinity: inKubernetesWords('Affinity of the Jobs’ pods'),
      priorityClass: text('Priority class of the Jobs’ pods.'),
      envFrom: list(
        'Secrets and ConfigMaps of the Jobs’ namespace whose keys become environment variables: what `env_var` finds.',
        inKubernetesWords('A source of variables'),
      ),
      artifactsClaim: text(
        'A volume claim, writable by many pods, for the rows that tasks hand to each other. Without it, a pipeline in which they do fails.',
      ),
      scratchSize: text('The most that a pod may spill, as `20Gi`.'),
      reportUrl: text('Where runners reach the controller: the URL of its Service for reports.', {
        pattern: '^https?://',
      }),
      reportPort: { type: 'integer', description: 'The port that runners report to.', minimum: 1, maximum: 65_535 },
      maxJobs: { type: 'integer', description: 'How many Jobs may run at once; 100 by default.', minimum: 1 },
      history: {
        type: 'integer',
        description: 'How many runs of a pipeline are shown as PipelineRuns; 100 by default.',
        minimum: 1,
      },
    },
    ['namespace', 'resources', 'image', 'reportUrl', 'reportPort'],
  ),
};
