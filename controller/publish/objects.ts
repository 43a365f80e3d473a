import type { ResourceCondition } from '../../schemas/generated/types.ts';
import type { Kind, Kubernetes, Resource } from '../kubernetes/client.ts';
import { KubernetesError } from '../kubernetes/errors.ts';
import { shortHash } from '../kubernetes/short-names.ts';
import type { Aspect } from './conditions.ts';
import type { Tell } from './events.ts';
import { writeStatus } from './write-status.ts';

/** What is known of an object when its status is made. */
export type Seen = {
  readonly generation: number;
  readonly conditions: readonly ResourceCondition[];
  readonly at: Date;
};

/** How rows of one kind are shown as objects. All functions but `resource` are pure. */
export type Form<Row> = {
  readonly kind: Kind;
  /** Another one whenever the spec is another one: cheaper than the spec itself. */
  specKey(row: Row): string;
  /** The object without its status. */
  resource(row: Row): Promise<Resource>;
  /** The object that a person made for it, of which only the status is ours; null where it is gone, undefined where it is all ours. */
  given?(row: Row): Resource | null | undefined;
  /** The whole status: what is left out is removed by server-side apply. */
  status(row: Row, seen: Seen): { readonly conditions?: ResourceCondition[] };
  /** Ready comes first. */
  aspects(row: Row): readonly [Aspect, ...Aspect[]];
  /** What an Event about its readiness is told once for. */
  edition(row: Row): string;
};

/** What an object showed last. */
type Shown = {
  readonly spec: string;
  readonly status: string;
  readonly generation: number;
  readonly conditions: readonly ResourceCondition[];
};

/** Brings one row to its object: a write for its spec and one for its status, each only where something changed. */
export function createObjectPublisher<Row extends { readonly name: string }>(options: {
  kubernetes: Kubernetes;
  namespace: string;
  form: Form<Row>;
  tell: Tell;
  now: () => Date;
}) {
  const { kubernetes, namespace, form, tell, now } = options;
  const shown = new Map<string, Shown>();

  async function applySpec(row: Row, spec: string): Promise<Shown> {
    const { metadata, status } = form.given?.(row) ?? (await kubernetes.apply(await form.resource(row)));
    const { conditions = [] } = (status ?? {}) as { conditions?: ResourceCondition[] };
    return { spec, status: '', generation: metadata.generation ?? 1, conditions };
  }

  async function applyStatus(row: Row, before: Shown): Promise<Resource | null> {
    const status = form.status(row, { ...before, at: now() });
    const digest = shortHash(JSON.stringify(status));
    if (digest === before.status) return null;
    const written = await writeStatus(kubernetes, form.kind, { name: row.name, namespace }, status);
    shown.set(row.name, { ...before, status: digest, conditions: status.conditions ?? [] });
    return written;
  }

  async function tellReadiness(row: Row, before: Shown, about: Resource): Promise<void> {
    const [{ status, reason, message }] = form.aspects(row);
    // Not known yet.
    if (status === 'Unknown') return;
    const isReady = status === 'True';
    // Of a new one that is ready nothing is told: a thousand of them would be a thousand Events that say nothing.
    const was = before.conditions.find(({ type }) => type === 'Ready')?.status !== 'False';
    if (isReady === was) return;
    const type = isReady ? 'Normal' : 'Warning';
    await tell(about, { type, reason, message, key: `${form.edition(row)} ${message}` });
  }

  async function show(row: Row): Promise<void> {
    const spec = form.specKey(row);
    const known = shown.get(row.name);
    const before = known?.spec === spec ? known : await applySpec(row, spec);
    const about = await applyStatus(row, before);
    if (about) await tellReadiness(row, before, about);
  }

  return {
    async publish(row: Row): Promise<void> {
      if (form.given?.(row) === null) return;
      try {
        await show(row);
      } catch (error) {
        shown.delete(row.name);
        if (!(error instanceof KubernetesError && error.status === 404)) throw error;
        // Somebody deleted it since: it is made anew, if it is for us to make.
        if (form.given?.(row) === undefined) await show(row);
      }
    },
    async remove(name: string): Promise<void> {
      shown.delete(name);
      await kubernetes.remove(form.kind, { namespace, name });
    },
    forget: (name: string) => void shown.delete(name),
    reset: () => shown.clear(),
  };
}
