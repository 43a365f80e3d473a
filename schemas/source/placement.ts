import { list, map, object, ref, type Schema } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const keys = (description: string): Schema => list(description, text('A label key.'));

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

function requirement(description: string, allowed: readonly string[]): Schema {
  return object(
    description,
    {
      key: text('The key.'),
      operator: { type: 'string', description: 'How the key’s value is compared.', enum: [...allowed] },
      values: list('What it is compared with; none for `Exists` and `DoesNotExist`.', text('A value.')),
    },
    ['key', 'operator'],
  );
}

const nodeRequirement = requirement('What a node must be like.', [...operators, 'Gt', 'Lt']);

const nodeTerm = object('Requirements that must all hold.', {
  matchExpressions: list('About the node’s labels.', nodeRequirement),
  matchFields: list('About the node’s fields, such as `metadata.name`.', nodeRequirement),
});

const weight: Schema = { type: 'integer', description: 'How much it counts, 1 to 100.', minimum: 1, maximum: 100 };

function preferred(description: string, field: string, term: Schema): Schema {
  return list(description, object('A preference with its weight.', { weight, [field]: term }, ['weight', field]));
}

const required = 'requiredDuringSchedulingIgnoredDuringExecution';
const wished = 'preferredDuringSchedulingIgnoredDuringExecution';

function podAffinity(description: string): Schema {
  return object(description, {
    [required]: list('What must hold, or the pod waits.', ref('PodAffinityTerm')),
    [wished]: preferred('What is better.', 'podAffinityTerm', ref('PodAffinityTerm')),
  });
}

/** Where pods may run, in the words of Kubernetes; strict, since the API server would drop a misspelt field in silence. */
export const placement: Record<string, Schema> = {
  Toleration: object('A taint that the pod tolerates, in the words of Kubernetes.', {
    key: text('The taint’s key; without it, any.'),
    operator: { type: 'string', description: '`Equal` (default) or `Exists`.', enum: ['Equal', 'Exists'] },
    value: text('The taint’s value, for `Equal`.'),
    effect: {
      type: 'string',
      description: 'The taint’s effect; without it, any.',
      enum: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'],
    },
    tolerationSeconds: {
      type: 'integer',
      description: 'How long the pod stays under a `NoExecute` taint, in seconds.',
      minimum: 0,
    },
  }),
  LabelSelector: object('Objects by their labels.', {
    matchLabels: map('Labels that must be there.', text('The label’s value.')),
    matchExpressions: list('Requirements that must all hold.', requirement('What a label must be like.', operators)),
  }),
  PodAffinityTerm: object(
    'Pods, and what counts as near them.',
    {
      labelSelector: ref('LabelSelector'),
      namespaceSelector: ref('LabelSelector'),
      namespaces: list('Namespaces of those pods; the pod’s own by default.', text('A namespace.')),
      topologyKey: { ...text('The node label whose equal value means “near”.'), minLength: 1 },
      matchLabelKeys: keys('Label keys whose values must equal the pod’s own.'),
      mismatchLabelKeys: keys('Label keys whose values must differ from the pod’s own.'),
    },
    ['topologyKey'],
  ),
  Affinity: object('Which nodes the pod prefers or needs, in the words of Kubernetes.', {
    nodeAffinity: object('By what nodes are like.', {
      [required]: object(
        'What must hold, or the pod waits.',
        { nodeSelectorTerms: list('Of these one must hold.', nodeTerm, { minItems: 1 }) },
        ['nodeSelectorTerms'],
      ),
      [wished]: preferred('What is better.', 'preference', nodeTerm),
    }),
    podAffinity: podAffinity('Near which pods.'),
    podAntiAffinity: podAffinity('Far from which pods.'),
  }),
};
