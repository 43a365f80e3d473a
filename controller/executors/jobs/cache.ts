import type { Logger } from 'pino';
import type { Kind, Kubernetes, Resource, WatchListener } from '../../kubernetes/client.ts';
import { makesNoMorePods } from './end.ts';
import { hasEnded, type Sight } from './judge.ts';
import { type Job, jobKind, type Pod, podKind } from './kinds.ts';
import { attemptOf, selectors } from './labels.ts';
import { given } from './settings.ts';

export interface Cache {
  /** What the watches have shown so far; null for an attempt that they have not. May be behind the truth. */
  see(attemptId: string): Sight | null;
  all(): Sight[];
  /** Whether the watches have begun where the attempt is, so that what is not seen of it is probably not there. */
  isFilled(attemptId: string): boolean;
}

const kinds = [jobKind, podKind];

type Entry = { job: Job | null; readonly pods: Map<string, Pod> };

/** The Jobs and pods of one ledger, by attempt, kept by two watches per namespace until `signal` aborts. `onChange` is a hint. */
export function createCache(options: {
  kubernetes: Kubernetes;
  namespaces: readonly string[];
  ledgerId: string;
  onChange: () => void;
  signal: AbortSignal;
  log: Logger;
}): Cache {
  const { kubernetes, namespaces, ledgerId, onChange, signal, log } = options;
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

  function follow(kind: Kind, namespace: string): void {
    const on: WatchListener = {
      slim,
      list(all) {
        for (const one of known(kind, namespace)) put(one, false);
        for (const one of all) put(one, true);
        filled.add(`${namespace}/${kind.kind}`);
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

  const known = ({ kind }: Kind, namespace: string): Resource[] =>
    [...entries.values()]
      .flatMap((entry): Resource[] => (kind === 'Job' ? (entry.job ? [entry.job] : []) : [...entry.pods.values()]))
      .filter(({ metadata }) => metadata.namespace === namespace);

  function isFilled(attemptId: string): boolean {
    const { job, pods } = entries.get(attemptId) ?? { job: null, pods: new Map<string, Pod>() };
    const [one = job] = pods.values();
    const where = one ? [one.metadata.namespace] : namespaces;
    return where.every((namespace) => kinds.every(({ kind }) => filled.has(`${namespace}/${kind}`)));
  }

  for (const namespace of namespaces) for (const kind of kinds) follow(kind, namespace);
  const sightOf = (entry: Entry): Sight => ({ job: entry.job, pods: [...entry.pods.values()] });
  return {
    see(attemptId) {
      const entry = entries.get(attemptId);
      return entry ? sightOf(entry) : null;
    },
    all: () => [...entries.values()].map(sightOf),
    isFilled,
  };
}

function isEnding(one: Resource): boolean {
  if (one.metadata.deletionTimestamp !== undefined) return true;
  return one.kind === 'Job' ? makesNoMorePods(one as Job) : hasEnded(one as Pod);
}

/** Without what nobody looks at: of thousands of Jobs the templates alone would fill the memory. */
function slim({ apiVersion, kind, metadata, spec, status }: Resource): Resource {
  const { managedFields: _, ...kept } = metadata;
  const { nodeName, ttlSecondsAfterFinished } = (spec ?? {}) as { nodeName?: string; ttlSecondsAfterFinished?: number };
  return { apiVersion, kind, metadata: kept, spec: given({ nodeName, ttlSecondsAfterFinished }), status };
}
