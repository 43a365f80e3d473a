import type { Kubernetes } from '../../kubernetes/client.ts';
import type { Sight } from './judge.ts';
import { eventKind } from './kinds.ts';

const everyMs = 5_000;
/** So long a Job may be without a pod before anybody asks why. */
const patienceMs = 3_000;

type FailedCreate = { readonly involvedObject?: { readonly uid?: string }; readonly message?: string };

/**
 * Why Jobs get no pods: that stands only in their Events (`exceeded quota`, an admission policy's sentence). One list per
 * namespace, and only while there is a Job without a pod.
 */
export function createRefusals(options: { kubernetes: Kubernetes }) {
  const { kubernetes } = options;
  let messages = new Map<string, string>();
  let askedAt = Number.NEGATIVE_INFINITY;

  return {
    /** Asks again when one of these needs it. */
    async refresh(sights: readonly Sight[]): Promise<void> {
      const without = sights.filter(({ job, pods }) => {
        const since = Date.parse(job?.metadata.creationTimestamp ?? '');
        return pods.length === 0 && Date.now() - since > patienceMs;
      });
      if (without.length === 0 || performance.now() - askedAt < everyMs) return;
      askedAt = performance.now();
      const fields = 'reason=FailedCreate,involvedObject.kind=Job';
      const namespaces = [...new Set(without.flatMap(({ job }) => job?.metadata.namespace ?? []))];
      const found = await Promise.all(namespaces.map((namespace) => kubernetes.list(eventKind, { namespace, fields })));
      const events = found.flat() as unknown as FailedCreate[];
      messages = new Map(
        events.map(({ involvedObject, message }) => [involvedObject?.uid ?? '', message ?? 'nobody said why']),
      );
    },
    of: ({ job, pods }: Sight): string | null =>
      pods.length > 0 ? null : (messages.get(job?.metadata.uid ?? '') ?? null),
  };
}

export type Refusals = ReturnType<typeof createRefusals>;
