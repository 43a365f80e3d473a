import type { Logger } from 'pino';
import type { Kind, Kubernetes, Resource } from '../kubernetes/client.ts';
import { type Drift, mergePatch } from './drift.ts';
import type { Tell } from './events.ts';

/** Undoes what somebody changed of an object of ours, and tells whom it may concern which fields and where to change them. */
export async function putBack(
  change: { kind: Kind; resource: Resource; desired: object; drift: Drift },
  { kubernetes, tell, log }: { kubernetes: Kubernetes; tell: Tell; log: Logger },
): Promise<void> {
  const { kind, resource, desired, drift } = change;
  const { fields, manager } = drift;
  const { name, namespace, generation } = resource.metadata;
  const only = (spec: unknown) =>
    Object.fromEntries(Object.entries(spec as object).filter(([field]) => fields.includes(field)));
  const key = { name, ...(namespace === undefined ? {} : { namespace }) };
  await kubernetes.patch(kind, key, { spec: mergePatch(only(resource.spec), only(desired)) });
  const named = fields.map((field) => `spec.${field}`).join(', ');
  const belongs = fields.length === 1 ? 'it belongs' : 'they belong';
  const message = `${named}, changed by ${manager}, put back: ${belongs} to ${homeOf(kind)}`;
  await tell(resource, { type: 'Warning', reason: 'DriftCorrected', message, key: String(generation) });
  log.warn({ kind: kind.kind, name, fields, manager }, 'an object was changed in the cluster and has been put back');
}

function homeOf({ kind }: Kind): string {
  if (kind === 'Pipeline') return "the pipeline's source; change the manifest there";
  return "the controller's own settings; change them there";
}
