import { list, map, object, ref, type Schema } from './common.ts';
import { quantity } from './pods.ts';

const text = (description: string, extra: Schema = {}): Schema => ({ type: 'string', description, ...extra });
const inKubernetesWords = (description: string): Schema => ({
  type: 'object',
  description: `${description}, in the words of Kubernetes.`,
});

const patterns = (description: string): Schema =>
  list(`${description}; \`*\` stands for any text.`, text('A name, perhaps with `*`.', { minLength: 1 }));

const privileges = [
  'runAsRoot',
  'writableRootFilesystem',
  'privilegeEscalation',
  'privileged',
  'capabilities',
  'serviceAccountToken',
];

const policy = object(
  'What manifests may ask of pods. What a list leaves out is refused, with the line of the manifest.',
  {
    images: patterns('Images of `container` blocks and `pod.image`, as the manifest writes them; any by default'),
    namespaces: list('Namespaces of Jobs beside `namespace`; none by default.', text('A namespace.')),
    serviceAccounts: patterns('Service accounts; none by default'),
    secrets: patterns('Secrets: of connections, `container.env`, volumes and `pullSecrets`; any by default'),
    configMaps: patterns('ConfigMaps of volumes; any by default'),
    claims: patterns('Volume claims; any by default'),
    hostPaths: list(
      'Paths of nodes, each with all that lies below it; none by default.',
      text('An absolute path.', { pattern: '^/' }),
    ),
    privileges: list(
      'What a pod may do beyond the least; nothing by default.',
      text('A privilege.', { enum: privileges }),
    ),
    priorityClasses: patterns('Priority classes; none by default'),
    placement: {
      type: 'boolean',
      description:
        'Whether manifests may choose nodes by `nodeSelector`, `tolerations` and `affinity`; true by default.',
    },
    maxResources: map(
      'The most that requests and limits may be: `cpu`, `memory`, …; without a bound by default. Resources that set no limit of a bounded `cpu`, `memory` or `ephemeral-storage` are refused too.',
      quantity,
    ),
  },
);

/** The file that `start --jobs` reads: what an operator decides about Jobs. */
export const jobs: Record<string, Schema> = {
  JobsPolicy: policy,
  JobsConfig: object(
    'Tasks run as Kubernetes Jobs, as this says. Only operators write it; manifests ask for other pods as far as `policy` allows, and change nothing else of it.',
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
      policy: ref('JobsPolicy'),
      reportUrl: text('Where runners reach the controller: the URL of its Service for reports.', {
        pattern: '^https?://',
      }),
      reportPort: { type: 'integer', description: 'The port that runners report to.', minimum: 1, maximum: 65_535 },
      maxJobs: { type: 'integer', description: 'How many Jobs may run at once; 100 by default.', minimum: 1 },
      history: {
        type: 'integer',
        description: 'How many runs of a pipeline are shown as PipelineRuns, and how many backfills; 100 by default.',
        minimum: 1,
      },
    },
    ['namespace', 'resources', 'image', 'reportUrl', 'reportPort'],
  ),
};
