import type { RunPublication } from '../../schemas/publications.ts';
import type { Kubernetes, Resource } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/errors.ts';
import { shortHash } from '../kubernetes/short-names.ts';
import type { Tell } from './events.ts';
import { runKind } from './kinds.ts';
import { placeOfRun, runResource, runStatus } from './run-resource.ts';
import { writeStatus } from './write-status.ts';

export type RunToPublish = {
  readonly run: RunPublication;
  /** It had been published as settled before: when its object is gone, a person deleted it, and it stays gone. */
  readonly shownBefore: boolean;
};

type Parts = { readonly kubernetes: Kubernetes; readonly namespace: string };

/** Brings one run to its object: at most two writes, and one Event where a run did not succeed. */
export function createRunPublisher(options: Parts & { history: number; tell: Tell }) {
  const { kubernetes, namespace, history, tell } = options;
  /** What the objects of live runs show: whoever is here has an object with the right spec. */
  const live = new Map<number, { readonly generation: number; readonly status: string }>();

  async function removeRun(run: Pick<RunPublication, 'name' | 'origin'>): Promise<void> {
    await kubernetes.remove(runKind, placeOfRun(run, namespace), run.origin ? { uid: run.origin.uid } : {});
  }

  async function show(item: RunToPublish): Promise<Resource | null> {
    const known = live.get(item.run.id);
    const shown = known === undefined ? null : await applyStatus(options, item.run, known.generation);
    if (shown) return shown;
    // Not yet there, or deleted while the run went on: it has changed since, so it is shown again.
    const generation = await ensureObject(options, item);
    return generation === null ? null : applyStatus(options, item.run, generation);
  }

  return {
    removeRun,
    async publishRun(item: RunToPublish): Promise<void> {
      const { run } = item;
      const settled = run.finishedAt !== null;
      const known = live.get(run.id);
      if (known && !settled && digestOf(run, known.generation) === known.status) return;
      const isBeyond = run.newer >= history;
      // It is shown when it runs: a backfill of thousands would else be thousands of objects that only wait.
      if (isBeyond && run.phase === 'Queued' && !run.origin && !known) return;
      const isPast = settled && isBeyond;
      const shown = isPast ? null : await show(item);
      if (settled || !shown) live.delete(run.id);
      else {
        const { generation = 1 } = shown.metadata;
        live.set(run.id, { generation, status: digestOf(run, generation) });
      }
      if (isPast) await removeRun(run);
      else if (settled && shown && !item.shownBefore) await tellEnd(tell, run, shown);
    },
    /** Whether its object is not known to be there: then it may push an older one out of the history. */
    isNew: (run: RunPublication) => !live.has(run.id),
    reset: () => live.clear(),
  };
}

function digestOf(run: RunPublication, generation: number): string {
  return shortHash(JSON.stringify(runStatus(run, generation)));
}

/** The generation of its object; null when there is none, and there is to be none. */
async function ensureObject({ kubernetes, namespace }: Parts, { run, shownBefore }: RunToPublish) {
  if (shownBefore || run.origin) {
    const there = await kubernetes.get(runKind, placeOfRun(run, namespace));
    if (!there || (run.origin && there.metadata.uid !== run.origin.uid)) return null;
    if (shownBefore) return there.metadata.generation ?? 1;
  }
  const made = await kubernetes.apply(runResource(run, namespace));
  return made.metadata.generation ?? 1;
}

/** Null when the object is gone. */
async function applyStatus(
  { kubernetes, namespace }: Parts,
  run: RunPublication,
  generation: number,
): Promise<Resource | null> {
  const apply = (observed: number) =>
    writeStatus(kubernetes, runKind, placeOfRun(run, namespace), runStatus(run, observed));
  try {
    const written = await apply(generation);
    const { generation: current = generation } = written.metadata;
    // A person changed the spec meanwhile (`cancel`): the status that is left there must not look older than that.
    return current === generation ? written : await apply(current);
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}

async function tellEnd(tell: Tell, run: RunPublication, shown: Resource): Promise<void> {
  if (run.phase === 'Succeeded') return;
  const message = run.message ?? `run "${run.name}" ended as ${run.phase}`;
  const type = run.phase === 'Failed' ? 'Warning' : 'Normal';
  await tell(shown, { type, reason: run.reason ?? run.phase, message, key: `${run.id} ${run.phase}` });
}
