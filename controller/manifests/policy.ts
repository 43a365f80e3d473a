import type { Container, JobsPolicy, PodSettings, Resources } from '../../schemas/generated/types.ts';
import type { Path } from './locate.ts';
import { fieldText } from './manifest.ts';
import { quantityOf } from './quantity.ts';

/** What a part of a manifest, or a task, asks of a pod. Fields have the names that they have in a manifest. */
export type Asked = {
  readonly resources?: Resources | undefined;
  readonly pod?: PodSettings | undefined;
  readonly container?: Container | undefined;
  /** Names of the secrets that connections read. */
  readonly secrets?: readonly string[] | undefined;
};

/** Something that is asked for beyond the policy: `path` from `Asked` on; `message` goes on after the field's name. */
export type Excess = { readonly path: Path; readonly message: string };

type Options = {
  /** Absent fields have their defaults. */
  readonly policy: JobsPolicy;
  /** Where Jobs run that ask for no namespace. */
  readonly namespace: string;
  /** The claim for the rows that tasks hand to each other. */
  readonly artifactsClaim?: string | undefined;
};

type Privilege = NonNullable<JobsPolicy['privileges']>[number];
type PatternList = 'images' | 'serviceAccounts' | 'secrets' | 'configMaps' | 'claims' | 'priorityClasses';

const defaults: Readonly<Record<PatternList, readonly string[]>> = {
  images: ['*'],
  serviceAccounts: [],
  secrets: ['*'],
  configMaps: ['*'],
  claims: ['*'],
  priorityClasses: [],
};

/** What of `asked` the operator's policy does not allow. */
export function judge(asked: Asked, { policy, namespace, artifactsClaim }: Options): Excess[] {
  const { pod = {}, resources = pod.resources } = asked;
  const names = namesIn(asked).flatMap(({ path, name, list }) => {
    const allowed = policy[list] ?? defaults[list];
    return allowed.some((pattern) => matches(name, pattern)) ? [] : [notAllowed(path, `"${name}"`, allowed, list)];
  });
  const paths = (pod.volumes ?? []).flatMap(({ hostPath }, index) => {
    const allowed = policy.hostPaths ?? [];
    if (!hostPath || allowed.some((prefix) => liesBelow(hostPath.path, prefix))) return [];
    return [notAllowed(['pod', 'volumes', index, 'hostPath', 'path'], `"${hostPath.path}"`, allowed, 'hostPaths')];
  });
  return [
    ...judgeNamespace(pod, policy, namespace),
    ...names,
    ...paths,
    ...judgeArtifacts(pod, artifactsClaim),
    ...privilegesIn(pod).flatMap(({ path, value, privilege }) =>
      policy.privileges?.includes(privilege) ? [] : [notGranted(path, value, privilege)],
    ),
    ...judgePlacement(pod, policy),
    ...judgeResources(resources ?? {}, policy.maxResources ?? {}),
  ];
}

/** An excess as a sentence by itself, for where there is no manifest to point at. */
export function excessText({ path, message }: Excess): string {
  return `${path[0] === 'secrets' ? 'the secret of a connection' : fieldText(path)} ${message}`;
}

/** Whether a name fits a pattern, in which `*` stands for any text. Takes linear time for each `*`, whatever the name is. */
function matches(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** By steps of the path, so that `/data` does not allow `/database`. A `..` lies nowhere. */
function liesBelow(path: string, prefix: string): boolean {
  const steps = (text: string) => text.split('/').filter((step) => step !== '' && step !== '.');
  const found = steps(path);
  return !found.includes('..') && steps(prefix).every((step, index) => found[index] === step);
}

type Name = { readonly path: Path; readonly name: string; readonly list: PatternList };

function namesIn({ pod = {}, container, secrets = [] }: Asked): Name[] {
  const one = (list: PatternList, name: string | undefined, path: Path): Name[] =>
    name === undefined ? [] : [{ list, name, path }];
  const env = Object.entries(container?.env ?? {});
  return [
    ...one('images', container?.image, ['container', 'image']),
    ...one('images', pod.image, ['pod', 'image']),
    ...one('serviceAccounts', pod.serviceAccount, ['pod', 'serviceAccount']),
    ...one('priorityClasses', pod.priorityClass, ['pod', 'priorityClass']),
    ...(pod.pullSecrets ?? []).flatMap((name, index) => one('secrets', name, ['pod', 'pullSecrets', index])),
    ...(pod.volumes ?? []).flatMap(({ configMap, secret, persistentVolumeClaim: claim }, index) => {
      const path = ['pod', 'volumes', index];
      return [
        ...one('configMaps', configMap?.name, [...path, 'configMap', 'name']),
        ...one('secrets', secret?.secretName, [...path, 'secret', 'secretName']),
        ...one('claims', claim?.claimName, [...path, 'persistentVolumeClaim', 'claimName']),
      ];
    }),
    ...env.flatMap(([key, value]) => {
      const name = typeof value === 'object' ? value.secretKeyRef.name : undefined;
      return one('secrets', name, ['container', 'env', key, 'secretKeyRef', 'name']);
    }),
    ...secrets.flatMap((name, index) => one('secrets', name, ['secrets', index])),
  ];
}

function notAllowed(path: Path, what: string, allowed: readonly string[], list: keyof JobsPolicy): Excess {
  const fact =
    allowed.length === 0 ? 'the operator’s policy allows none' : `the operator’s policy allows ${allowed.join(', ')}`;
  const way = allowed.length === 0 ? 'remove it' : 'choose one of these';
  return { path, message: `is ${what}, and ${fact}; ${way}, or ask the operator to add it to jobs.policy.${list}` };
}

/** Rows of all pipelines lie there, whatever the policy says of claims. */
function judgeArtifacts({ volumes = [] }: PodSettings, artifactsClaim: string | undefined): Excess[] {
  return volumes.flatMap(({ persistentVolumeClaim: claim }, index) => {
    if (!claim || claim.claimName !== artifactsClaim) return [];
    const path = ['pod', 'volumes', index, 'persistentVolumeClaim', 'claimName'];
    const message = `is "${claim.claimName}", where the rows of all pipelines lie; mount another claim, or read rows by \`from\``;
    return [{ path, message }];
  });
}

function judgeNamespace({ namespace }: PodSettings, { namespaces = [] }: JobsPolicy, own: string): Excess[] {
  if (namespace === undefined || namespace === own || namespaces.includes(namespace)) return [];
  return [notAllowed(['pod', 'namespace'], `"${namespace}"`, [own, ...namespaces], 'namespaces')];
}

function privilegesIn({ securityContext = {}, automountServiceAccountToken }: PodSettings) {
  const { runAsUser, runAsGroup, runAsNonRoot, readOnlyRootFilesystem, allowPrivilegeEscalation } = securityContext;
  const { privileged, capabilities } = securityContext;
  const added = capabilities?.add ?? [];
  const asked: [boolean, string[], unknown, Privilege][] = [
    [runAsUser === 0, ['securityContext', 'runAsUser'], 0, 'runAsRoot'],
    [runAsGroup === 0, ['securityContext', 'runAsGroup'], 0, 'runAsRoot'],
    [runAsNonRoot === false, ['securityContext', 'runAsNonRoot'], false, 'runAsRoot'],
    [readOnlyRootFilesystem === false, ['securityContext', 'readOnlyRootFilesystem'], false, 'writableRootFilesystem'],
    [allowPrivilegeEscalation === true, ['securityContext', 'allowPrivilegeEscalation'], true, 'privilegeEscalation'],
    [privileged === true, ['securityContext', 'privileged'], true, 'privileged'],
    [added.length > 0, ['securityContext', 'capabilities', 'add'], added.join(', '), 'capabilities'],
    [automountServiceAccountToken === true, ['automountServiceAccountToken'], true, 'serviceAccountToken'],
  ];
  return asked.flatMap(([isAsked, path, value, privilege]) =>
    isAsked ? [{ path: ['pod', ...path], value: String(value), privilege }] : [],
  );
}

function notGranted(path: Path, value: string, privilege: Privilege): Excess {
  const fact = `the operator’s policy does not grant ${privilege}`;
  const wayOut = `remove it, or ask the operator to add ${privilege} to jobs.policy.privileges`;
  return { path, message: `is ${value}, and ${fact}; ${wayOut}` };
}

function judgePlacement(pod: PodSettings, { placement = true }: JobsPolicy): Excess[] {
  if (placement) return [];
  const message =
    'chooses nodes, which the operator’s policy leaves to the operator; remove it, or ask the operator to set jobs.policy.placement to true';
  return (['nodeSelector', 'tolerations', 'affinity'] as const).flatMap((field) =>
    pod[field] === undefined ? [] : [{ path: ['pod', field], message }],
  );
}

/** What a pod gets any amount of where no limit is set; of others, such as GPUs, it gets none. */
const endless = new Set(['cpu', 'memory', 'ephemeral-storage']);

function judgeResources(resources: Resources, most: NonNullable<JobsPolicy['maxResources']>): Excess[] {
  const wayOut = 'or ask the operator to raise jobs.policy.maxResources';
  const tooMuch = (['requests', 'limits'] as const).flatMap((field) =>
    Object.entries(resources[field] ?? {}).flatMap(([name, amount]) => {
      const bound = Object.hasOwn(most, name) ? most[name] : undefined;
      if (bound === undefined || quantityOf(amount) <= quantityOf(bound)) return [];
      const message = `is ${amount}, and the operator’s policy allows ${bound} at most; ask for less, ${wayOut}`;
      return [{ path: ['resources', field, name], message }];
    }),
  );
  // Resources of a manifest replace the operator's, so that one of these left out would have no limit at all.
  const isAsked = Object.keys(resources).length > 0;
  const unbounded = Object.entries(most).flatMap(([name, bound]) => {
    if (!isAsked || !endless.has(name) || Object.hasOwn(resources.limits ?? {}, name)) return [];
    const message = `lacks ${name}, which the operator’s policy bounds; add ${name} with ${bound} at most, ${wayOut}`;
    return [{ path: ['resources', 'limits'], message }];
  });
  return [...tooMuch, ...unbounded];
}
