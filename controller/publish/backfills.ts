import type { BackfillPublication } from '../../schemas/publications.ts';
import type { Kubernetes, Resource } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/errors.ts';
import { shortHash } from '../kubernetes/short-names.ts';
import { backfillResource, backfillStatus, placeOfBackfill, settingsOf } from './backfill-resource.ts';
import type { Tell } from './events.ts';
import { backfillKind } from './kinds.ts';
import { writeStatus } from './write-status.ts';

export type BackfillToPublish = {
  readonly backfill: BackfillPublication;
  /** It had been published as ended before: when its object is gone, a person deleted it, and it stays gone. */
  readonly shownBefore: boolean;
};

type Parts = { readonly kubernetes: Kubernetes; readonly namespace: string };

/** What the object of a running backfill shows. */
type Shown = { readonly settings: string; readonly generation: number; readonly status: string };

/** Brings one backfill to its object: a write where its settings are others, one for its status, and an Event at its end. */
export function createBackfillPublisher(options: Parts & { history: number; tell: Tell }) {
  const { kubernetes, namespace, history, tell } = options;
  const running = new Map<number, Shown>();

  async function removeBackfill(one: Pick<BackfillPublication, 'name' | 'origin'>): Promise<void> {
    const uid = one.origin ? { uid: one.origin.uid } : {};
    await kubernetes.remove(backfillKind, placeOfBackfill(one, namespace), uid);
  }

  async function show(item: BackfillToPublish): Promise<Resource | null> {
    const { backfill } = item;
    const settings = digestOf(settingsOf(backfill));
    const known = running.get(backfill.id);
    const generation = known?.settings === settings ? known.generation : await ensureObject(options, item);
    if (generation === null) return null;
    const status = digestOf(backfillStatus(backfill, generation));
    running.set(backfill.id, { settings, generation, status });
    // Nothing to say; only of a running one is it remembered.
    if (known?.status === status) return null;
    return applyStatus(options, backfill, generation);
  }

  return {
    removeBackfill,
    async publishBackfill(item: BackfillToPublish): Promise<void> {
      const { backfill, shownBefore } = item;
      const ended = backfill.finishedAt !== null;
      if (ended && backfill.newer >= history) {
        running.delete(backfill.id);
        await removeBackfill(backfill);
        return;
      }
      try {
        const shown = await show(item);
        if (ended && shown && !shownBefore) await tellEnd(tell, backfill, shown);
      } catch (error) {
        running.delete(backfill.id);
        throw error;
      }
      if (ended) running.delete(backfill.id);
    },
    /** Whether its object is not known to be there: then it may push an older one out of the history. */
    isNew: ({ id }: BackfillPublication) => !running.has(id),
    forget: (id: number) => void running.delete(id),
    reset: () => running.clear(),
  };
}

function digestOf(value: object): string {
  return shortHash(JSON.stringify(value));
}

/** The generation of its object; null when there is none, and there is to be none: whoever deleted it ended the backfill. */
async function ensureObject({ kubernetes, namespace }: Parts, { backfill, shownBefore }: BackfillToPublish) {
  const { origin } = backfill;
  if (shownBefore || origin) {
    const there = await kubernetes.get(backfillKind, placeOfBackfill(backfill, namespace));
    if (!there || (origin && there.metadata.uid !== origin.uid)) return null;
    if (shownBefore) return there.metadata.generation ?? 1;
  }
  const made = await kubernetes.apply(backfillResource(backfill, namespace));
  return made.metadata.generation ?? 1;
}

/** Null when the object is gone. */
async function applyStatus({ kubernetes, namespace }: Parts, backfill: BackfillPublication, generation: number) {
  try {
    const place = placeOfBackfill(backfill, namespace);
    return await writeStatus(kubernetes, backfillKind, place, backfillStatus(backfill, generation));
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return null;
    throw error;
  }
}

async function tellEnd(tell: Tell, backfill: BackfillPublication, shown: Resource): Promise<void> {
  const { id, name, phase, reason, startedAt } = backfill;
  if (phase === 'Succeeded') return;
  const message = backfill.message ?? `backfill "${name}" ended as ${phase}`;
  const type = phase === 'Failed' ? 'Warning' : 'Normal';
  await tell(shown, { type, reason: reason ?? phase, message, key: `${id} ${phase} ${startedAt}` });
}
