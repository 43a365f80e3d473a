import type { PipelineSourceResourceSpec } from '../schemas/generated/types.ts';
import type { SourceDeclaration } from '../schemas/source-declarations.ts';
import { SecretError, type Secrets } from './git/secrets.ts';
import type { Kind, Kubernetes, Resource } from './kubernetes/client.ts';
import { KubernetesError } from './kubernetes/errors.ts';
import { intervalOf, sourceFaults } from './manifests/source-faults.ts';
import { isMadeByUs, specOf } from './publish/declared-source.ts';

const secretKind: Kind = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' };

/** Secrets of a namespace, asked for at every look: a credential that is changed counts at once, and none is kept. */
export function clusterSecrets({ kubernetes, namespace }: { kubernetes: Kubernetes; namespace: string }): Secrets {
  return {
    async read(name) {
      const secret = await kubernetes.get(secretKind, { namespace, name }).catch((error) => {
        throw explain(name, namespace, error);
      });
      if (!secret) throw new SecretError(`secret "${name}" is not there; make it in namespace "${namespace}"`);
      const data = (secret.data ?? {}) as Readonly<Record<string, string>>;
      return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
    },
  };
}

function explain(name: string, namespace: string, error: unknown): unknown {
  if (!(error instanceof KubernetesError && error.status === 403)) return error;
  return new SecretError(
    `secret "${name}" of namespace "${namespace}" may not be read by the controller; name it in the chart's value sourceSecrets`,
    { cause: error },
  );
}

/**
 * What people declare by PipelineSources, the oldest first. One that asks for what it may not have is declared as suspended: what was
 * read of it before goes on, since a mistake in an object must not retire pipelines.
 */
export function declaredSources(
  objects: ReadonlyMap<string, Resource>,
  own: ReadonlyMap<string, PipelineSourceResourceSpec>,
): SourceDeclaration[] {
  const theirs = [...objects.values()].filter((each) => !own.has(each.metadata.name) && !isMadeByUs(each));
  const ageOf = ({ metadata }: Resource) => `${metadata.creationTimestamp} ${metadata.name}`;
  return theirs
    .toSorted((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1))
    .map((object) => {
      const spec = specOf(object);
      const { name } = object.metadata;
      const isRefused = refusalOf(object) !== null;
      return { name, spec: isRefused ? { ...spec, suspend: true } : spec, everyMs: intervalOf(spec.interval) ?? 0 };
    });
}

/** As everywhere: the name is one of a row, of a folder and of commit statuses. */
const isName = (name: string) => /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 52;

/** Why what a PipelineSource of a person asks for is not done, in a sentence; null when it is. */
export function refusalOf(object: Resource): string | null {
  const { name } = object.metadata;
  const spec = specOf(object);
  if (!isName(name))
    return `the name "${name}" is none of a source; make it anew with one of lower-case letters, digits and dashes that begins with a letter and has at most 52 characters`;
  // Else whoever may make this object could read what lies in the controller's pod.
  const place = spec.folder?.path ?? (spec.git?.url.startsWith('file:') ? spec.git.url : undefined);
  if (place !== undefined)
    return `source "${name}" names "${place}" in the controller's pod, which only the controller's own settings may; name a repository that is reached over the network`;
  const [fault] = sourceFaults(spec);
  return fault ? `source "${name}": ${fault.path.join('.')} ${fault.message}` : null;
}
