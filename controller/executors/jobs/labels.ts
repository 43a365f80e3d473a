import type { TaskOrder } from '../../../schemas/generated/types.ts';
import type { Resource } from '../../kubernetes/client.ts';
import { labelValue } from '../../kubernetes/short-names.ts';
import { attemptHash, bundleKey } from './name.ts';

/** The attempt that a Job and its pods belong to, whole: a label has not room for every id. */
export const attemptAnnotation = 'pipewright.dev/attempt-id';
/** On the Job and the pods of a container block: which one, as JSON. Nobody reports for it but its pod's status. */
export const containerAnnotation = 'pipewright.dev/container';
/** On a Job that was told to end: `stop`, `fence` or `drain`. */
export const endedAnnotation = 'pipewright.dev/ended-by';
/** On a bundle that no Job named when it was last looked at: since when, RFC 3339. */
export const unusedAnnotation = 'pipewright.dev/unused-since';

const managedBy = { 'app.kubernetes.io/managed-by': 'pipewright' };
const ledgerLabel = 'pipewright.dev/ledger';
const attemptLabel = 'pipewright.dev/attempt';
export const bundleLabel = 'pipewright.dev/bundle';

export function labelsOf(order: TaskOrder): Record<string, string> {
  return {
    ...managedBy,
    [ledgerLabel]: order.ledgerId,
    'pipewright.dev/pipeline': labelValue(order.pipeline),
    'pipewright.dev/run': labelValue(order.run.name),
    'pipewright.dev/task': labelValue(order.task),
    [attemptLabel]: attemptHash(order.ledgerId, order.attemptId),
    [bundleLabel]: bundleKey(order.bundle.digest),
  };
}

export function labelsOfBundle(digest: string): Record<string, string> {
  return { ...managedBy, [bundleLabel]: bundleKey(digest) };
}

export const selectors = {
  /** What belongs to this ledger: another Pipewright may use the same namespace. */
  ledger: (ledgerId: string) => `app.kubernetes.io/managed-by=pipewright,${ledgerLabel}=${ledgerId}`,
  /** What belongs to any. */
  ledgers: `app.kubernetes.io/managed-by=pipewright,${ledgerLabel}`,
  attempt: (ledgerId: string, attemptId: string) => `${attemptLabel}=${attemptHash(ledgerId, attemptId)}`,
  bundles: `app.kubernetes.io/managed-by=pipewright,${bundleLabel}`,
};

export function attemptOf({ metadata }: Resource): string | undefined {
  return metadata.annotations?.[attemptAnnotation];
}
