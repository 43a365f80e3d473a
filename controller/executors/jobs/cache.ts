import type { Logger } from 'pino';
import type { Kind, Kubernetes, Resource, WatchListener } from '../../kubernetes/client.ts';
import { makesNoMorePods } from './end.ts';
import { hasEnded, type Sight } from './judge.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { attemptOf, selectors } from './labels.ts';

export interface Cache {
  /** What the watches have shown so far; null for an attempt that they have not. May be behind the truth. */
  see(attemptId: string): Sight | null;
  all(): Sight[];
  /** Whether both watches have begun, so that what is not seen is probably not there. */
  isFilled(): boolean;
}

type Entry = { job: Job | null; readonly pods: Map<string, Pod> };

/** The Jobs and pods of one ledger, by attempt, kept by two watches until `signal` aborts. `onChange` is a hint. */
export function createCache(options: {
  kubernetes: Kubernetes;
  namespace: string;
  ledgerId: string;
  onChange: () => void;
  signal: AbortSignal;
  log: Logger;
}): Cache {
  const { kubernetes, namespace, ledgerId, onChange, signal, log } = options;
  const entries = new Map<string, Entry>();
  const filled = new Set<string>();

  function put(one: Resource, isThere: boolean): void {
    const attemptId = attemptOf(one);
    if (attemptId === undefined) return;
    const entry = entries.get(attemptId) ?? { job: null, pods: new Map() };
    if (one.kind === 'Job') entry.job = isThere ? (slim(one) as Job) : null;
    else if (isThere) entry.pods.set(one.metadata.name, slim(one) as Pod);
    else entry.pods.delete(one.metadata.name);
    if (entry.job === null && entry.pods.size === 0) entries.delete(attemptId);
    else entries.set(attemptId, entry);
  }

  function follow(kind: Kind): void {
    const on: WatchListener = {
      list(all) {
        for (const one of known(kind)) put(one, false);
        for (const one of all) put(one, true);
        filled.add(kind.kind);
        onChange();
      },
      change(type, one) {
        put(one, type !== 'DELETED');
        if (type === 'DELETED' || isEnding(one)) onChange();
      },
    };
    const where = { namespace, labels: selectors.ledger(ledgerId) };
    kubernetes.watch(kind, where, on, signal).catch((error) => log.error({ err: error }, 'a watch has ended'));
  }

  const known = ({ kind }: Kind): Resource[] =>
    [...entries.values()].flatMap((entry) =>
      kind === 'Job' ? (entry.job ? [entry.job] : []) : [...entry.pods.values()],
    );

  follow(jobKind);
  follow(podKind);
  const sightOf = (entry: Entry): Sight => ({ job: entry.job, pods: [...entry.pods.values()] });
  return {
    see(attemptId) {
      const entry = entries.get(attemptId);
      return entry ? sightOf(entry) : null;
    },
    all: () => [...entries.values()].map(sightOf),
    isFilled: () => filled.size === 2,
  };
}

function isEnding(one: Resource): boolean {
  if (one.metadata.deletionTimestamp !== undefined) return true;
  return one.kind === 'Job' ? makesNoMorePods(one as Job) : hasEnded(one as Pod);
}

/** Without what nobody looks at: of thousands of Jobs the templates alone would fill the memory. */
function slim({ apiVersion, kind, metadata, spec, status }: Resource): Resource {
  const { managedFields: _, ...kept } = metadata;
  const { nodeName } = (spec ?? {}) as { nodeName?: string };
  return { apiVersion, kind, metadata: kept, spec: nodeName === undefined ? {} : { nodeName }, status };
}
