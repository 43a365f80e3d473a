import { neverObserved } from '../resource-kinds.ts';
import { instant, list, map, object, type Schema } from './common.ts';

/** A column of `kubectl get`, after NAME. `wide`: only with `-o wide`. */
export type Column = {
  readonly name: string;
  /** Where its value lies, in Kubernetes's JSONPath. */
  readonly path: string;
  /** `date` is printed as an age, and one that lies ahead as `<invalid>`: only for what has passed. */
  readonly type?: 'string' | 'integer' | 'boolean' | 'date';
  readonly wide?: true;
  readonly description: string;
};

/** What tells one custom resource from another; names come from `resourceKinds`. */
export type Resource = {
  readonly description: string;
  readonly columns: readonly Column[];
  /** Fields that `--field-selector` takes, beside name and namespace. */
  readonly selectors?: readonly string[];
  readonly spec: Schema;
  readonly status: Schema;
};

/**
 * Text in a spec. Its length is bounded, or the API server reckons with texts of megabytes and refuses the rules over them
 * as too costly. The bounds are wide where the controller writes what a manifest says. A status has no rules and no bounds, so
 * that no outcome is refused for a long message.
 */
export function boundedText(description: string, maxLength: number): Schema {
  return { type: 'string', description, maxLength };
}

export function text(description: string): Schema {
  return { type: 'string', description };
}

export function count(description: string): Schema {
  return { type: 'integer', description, minimum: 0 };
}

export function past(description: string): Schema {
  return { ...instant, description };
}

/** A condition in CEL over `self`, with the sentence that a person reads when an object breaks it. */
export type Rule = { readonly rule: string; readonly message: string; readonly fieldPath?: string };

export function withRules(schema: Schema, rules: readonly Rule[]): Schema {
  return { ...schema, 'x-kubernetes-validations': rules };
}

/** On the object that holds the field: a rule on an optional field itself would not see it come or go. */
export function immutable(field: string, message: string): Rule {
  const rule = `has(self.${field}) == has(oldSelf.${field}) && (!has(self.${field}) || self.${field} == oldSelf.${field})`;
  return { rule, message, fieldPath: `.${field}` };
}

export const observedGeneration: Schema = {
  type: 'integer',
  description: 'The generation of the spec that this status is about; -1 before the controller has seen the object.',
  minimum: neverObserved,
};

export const conditions = list(
  'What holds at this moment: `Ready`, and where they apply `Reconciling`, `Stalled` and `Late`.',
  { $ref: '#/$defs/ResourceCondition' },
  { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
);

export const resourceCondition = object(
  'One aspect of a resource, in the form of all of Kubernetes.',
  {
    type: { ...boundedText('`Ready`, `Reconciling`, `Stalled` or `Late`.', 316), minLength: 1 },
    status: { type: 'string', description: 'Whether it holds.', enum: ['True', 'False', 'Unknown'] },
    reason: {
      ...boundedText('Machine-readable, in CamelCase.', 1024),
      minLength: 1,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    },
    message: boundedText('Why, in a sentence; may be empty.', 32768),
    lastTransitionTime: past('When `status` last changed.'),
    observedGeneration: count('The generation of the spec that this condition is about.'),
  },
  ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
);

/** What this project reads and writes of the metadata that every object has; for the types only. */
export const resourceMetadata = object(
  'Who the object is.',
  {
    name: text('Its name.'),
    namespace: text('Its namespace.'),
    uid: text('Its identity: another object of the same name has another.'),
    generation: count('Grows with every change of the spec.'),
    resourceVersion: text('Changes with every write.'),
    creationTimestamp: past('When it was made.'),
    deletionTimestamp: past('When its deletion was asked for.'),
    labels: map('Its labels.', text('The label’s value.')),
    annotations: map('Its annotations.', text('The annotation’s value.')),
    finalizers: list('Who must let go before it is gone.', text('A name.')),
  },
  ['name'],
);
