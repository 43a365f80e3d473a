import { list, map, object, objectName, ref, type Schema, scalar, templated } from './common.ts';
import { placement } from './placement.ts';

const text = (description: string, extra: Schema = {}): Schema => ({ type: 'string', description, ...extra });
const flag = (description: string): Schema => ({ type: 'boolean', description });

/** A name of an object of Kubernetes (RFC 1123 subdomain). */
const kubernetesName = (description: string): Schema =>
  text(`${description}: lower-case letters, digits, dashes and dots.`, {
    pattern: '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$',
    maxLength: 253,
  });

const image = text('An image as a container runtime takes it, such as `registry.example/team/tool:1`; no `{{ }}`.', {
  pattern: '^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$',
  maxLength: 512,
});

/** An amount of a resource. */
export const quantity: Schema = {
  description: 'A quantity of Kubernetes, not negative: `500m`, `2`, `1.5Gi`.',
  anyOf: [
    {
      type: 'string',
      description: 'A quantity of Kubernetes, not negative: `500m`, `2`, `1.5Gi`.',
      pattern: '^[0-9]+([.][0-9]+)?([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$',
      maxLength: 30,
    },
    { type: 'number', minimum: 0 },
  ],
};

const quantities = (description: string): Schema => map(description, quantity);

const items = list(
  'Which keys, and under which names; all of them by default.',
  object(
    'A key as a file.',
    {
      key: text('The key.', { minLength: 1 }),
      path: text('The file’s path below the mount; no `..`.', { pattern: '^[^/]' }),
      mode: { type: 'integer', description: 'Permissions of the file.', minimum: 0, maximum: 0o777 },
    },
    ['key', 'path'],
  ),
);

const asFiles = {
  items,
  defaultMode: { type: 'integer', description: 'Permissions of the files.', minimum: 0, maximum: 0o777 },
  optional: flag('True: the pod starts without it too.'),
};

const volume = object(
  'Something mounted into the pod. Exactly one of `configMap`, `secret`, `persistentVolumeClaim`, `emptyDir`, `hostPath`, all in the words of Kubernetes.',
  {
    name: text('Its name: lower-case letters, digits and dashes, at most 63 characters.', {
      pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      maxLength: 63,
    }),
    mountPath: text('Where it stands in the container: an absolute path without `:`.', { pattern: '^/[^:]*$' }),
    readOnly: flag('True: nothing can be written into it.'),
    subPath: text('Mount only this path of it: relative, without `..`.', { pattern: '^[^/]' }),
    configMap: object('A ConfigMap of the Job’s namespace.', { name: kubernetesName('Its name'), ...asFiles }, [
      'name',
    ]),
    secret: object('A Secret of the Job’s namespace.', { secretName: kubernetesName('Its name'), ...asFiles }, [
      'secretName',
    ]),
    persistentVolumeClaim: object(
      'A claim of the Job’s namespace.',
      { claimName: kubernetesName('Its name'), readOnly: flag('True: it is attached for reading only.') },
      ['claimName'],
    ),
    emptyDir: object('An empty folder that ends with the pod.', {
      medium: text('`Memory` keeps it in memory, where it counts against the limit.', { enum: ['', 'Memory'] }),
      sizeLimit: quantity,
    }),
    hostPath: object(
      'A path of the node. Refused unless the operator’s policy names it.',
      {
        path: text('An absolute path without `..`.', { pattern: '^/' }),
        type: text('What must be there.', {
          enum: ['', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket', 'CharDevice', 'BlockDevice'],
        }),
      },
      ['path'],
    ),
  },
  ['name', 'mountPath'],
);

const id = (description: string): Schema => ({ type: 'integer', description, minimum: 0, maximum: 2_147_483_647 });

const securityContext = object(
  'What the container’s processes may do, in the words of Kubernetes. Without it: user 65532, read-only root file system, no privileges. What goes beyond needs the operator’s policy.',
  {
    runAsUser: id('Its user; 65532 by default.'),
    runAsGroup: id('Its group; 65532 by default.'),
    runAsNonRoot: flag('False lets an image run as root; true by default.'),
    readOnlyRootFilesystem: flag('False lets it write into its own image; true by default.'),
    allowPrivilegeEscalation: flag('True lets it gain privileges; false by default.'),
    privileged: flag('True gives it all the privileges of the node; false by default.'),
    capabilities: object('Linux capabilities; all are dropped.', {
      add: list('Those to keep.', text('A capability, such as `NET_BIND_SERVICE`.', { pattern: '^[A-Z][A-Z_]*$' })),
    }),
  },
);

const blockPod: Record<string, Schema> = {
  image: {
    ...image,
    description: 'Instead of the operator’s runner image, which it must contain. Not for `container` blocks.',
  },
  pullSecrets: list('Secrets of the Job’s namespace that images are pulled with.', kubernetesName('A secret'), {
    uniqueItems: true,
  }),
  serviceAccount: kubernetesName('A service account of the Job’s namespace'),
  automountServiceAccountToken: flag('True mounts the service account’s token; false by default.'),
  nodeSelector: map('Labels of the nodes that it may run on.', text('The label’s value.')),
  tolerations: list('Taints that it tolerates.', ref('Toleration')),
  affinity: ref('Affinity'),
  priorityClass: kubernetesName('A priority class'),
  volumes: list('What is mounted.', ref('Volume'), { maxItems: 50 }),
  securityContext: ref('SecurityContext'),
};

const pipelinePod: Record<string, Schema> = {
  namespace: text('The namespace of the pipeline’s Jobs, secrets and claims; the operator’s by default.', {
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    maxLength: 63,
  }),
  ...blockPod,
};

const secretValue = object(
  'A secret of the Job’s namespace.',
  {
    secretKeyRef: object(
      'Which secret.',
      {
        name: { ...objectName, description: 'The secret’s name.' },
        key: text('The key in it.', { pattern: '^[-._a-zA-Z0-9]+$' }),
      },
      ['name', 'key'],
    ),
  },
  ['secretKeyRef'],
);

const containerValue: Schema = {
  description: 'A text, number or boolean, or `{secretKeyRef: {name, key}}`; never a secret in clear text.',
  'x-templated': true,
  anyOf: [{ ...scalar, type: ['string', 'number', 'boolean'] }, secretValue],
};

const container = object(
  'Runs any image as a task alone. It gives no rows; a JSON object of scalars in `/dev/termination-log` becomes `outputs.BLOCK.NAME`. The rows of the blocks in `from` lie at `/inputs/BLOCK.parquet`.',
  {
    image,
    command: list('Instead of the image’s entry point; no `{{ }}`.', text('A word of the command.')),
    args: list('The command’s arguments.', templated(text('An argument.'))),
    env: map('Environment variables.', containerValue),
  },
  ['image'],
);

const overrides = 'A field of a block replaces the pipeline’s field of that name; the block begins a new task.';

export const podFields = {
  ofPipeline: { resources: ref('Resources'), pod: ref('PipelinePod') },
  ofBlock: { resources: ref('Resources'), pod: ref('BlockPod') },
} as const satisfies Record<string, Record<string, Schema>>;

/** What manifests say about pods: in the words of Kubernetes, and no more than a pipeline needs. */
export const pods: Record<string, Schema> = {
  Container: container,
  Resources: object(`Requests and limits of pods, in the words of Kubernetes. ${overrides}`, {
    requests: quantities('What is kept for it: `cpu`, `memory`, `ephemeral-storage`, …'),
    limits: quantities('The most it gets.'),
  }),
  PipelinePod: object('The pods of all tasks, where tasks run as Jobs of Kubernetes.', pipelinePod),
  BlockPod: object(`The pod of this block’s task. ${overrides}`, blockPod),
  Volume: volume,
  SecurityContext: securityContext,
  ...placement,
};

/** The pod of a task: what pipeline and block say, merged. */
export const podSettings: Schema = object('What pipeline and block say about the task’s pod, merged.', {
  resources: ref('Resources'),
  ...pipelinePod,
});
