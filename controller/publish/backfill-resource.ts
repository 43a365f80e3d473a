import type { BackfillResourceSpec, BackfillResourceStatus } from '../../schemas/generated/types.ts';
import type { BackfillPublication } from '../../schemas/publications.ts';
import { rateText } from '../../schemas/rate-text.ts';
import type { Resource } from '../kubernetes/client.ts';
import { type Aspect, aspects, dated } from './conditions.ts';
import { owns } from './drift.ts';
import { backfillKind, labelNames, labelsOf } from './kinds.ts';

type Settings = Pick<BackfillResourceSpec, 'suspend' | 'maxActiveRuns' | 'priority'>;

/** Where a backfill is shown: in the object that asked for it, else in one of its own name. */
export function placeOfBackfill(
  backfill: Pick<BackfillPublication, 'name' | 'origin'>,
  namespace: string,
): { namespace: string; name: string } {
  const { origin } = backfill;
  return origin ? { namespace: origin.namespace, name: origin.name } : { namespace, name: backfill.name };
}

/** What may change while it runs. All but a limit that there is not are always there: so their owner tells who set them last. */
export function settingsOf({ suspended, maxActiveRuns, priority }: BackfillPublication): Settings {
  return { suspend: suspended, priority, ...(maxActiveRuns === null ? {} : { maxActiveRuns }) };
}

/**
 * The object without its status, for server-side apply. One that a person made keeps what it asked for; its uid keeps us from
 * making it anew when it is gone.
 */
export function backfillResource(backfill: BackfillPublication, namespace: string): Resource {
  const { apiVersion, kind } = backfillKind;
  const { origin, name, pipeline } = backfill;
  const labels = { ...labelsOf(pipeline), [labelNames.backfill]: name };
  const place = placeOfBackfill(backfill, namespace);
  const settings = settingsOf(backfill);
  if (origin) return { apiVersion, kind, metadata: { ...place, uid: origin.uid, labels }, spec: settings };
  return { apiVersion, kind, metadata: { ...place, labels }, spec: { ...rangeOf(backfill), ...settings } };
}

function rangeOf({ pipeline, from, to, rerun, order, version, variables }: BackfillPublication): BackfillResourceSpec {
  const given = Object.entries(variables).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]]));
  return {
    pipeline,
    from: plain(from),
    to: plain(to),
    rerun,
    order,
    version,
    ...(given.length > 0 ? { variables: Object.fromEntries(given) } : {}),
  };
}

/** The whole status: what is left out here is removed by server-side apply. */
export function backfillStatus(backfill: BackfillPublication, generation: number): BackfillResourceStatus {
  const { name, phase, reason, message, windows, ratePerMinute, expectedEndAt, startedAt, finishedAt } = backfill;
  const { total, live, succeeded, failed, cancelled } = windows;
  const done = succeeded + failed + cancelled;
  return {
    backfill: name,
    phase,
    ...(reason === null ? {} : { reason }),
    ...(message === null ? {} : { message }),
    windows: { total, done, live, succeeded, failed, cancelled, text: `${done}/${total}` },
    ...(ratePerMinute === null ? {} : { rate: rateText(ratePerMinute) }),
    ...(expectedEndAt === null ? {} : { expectedEndAt: plain(expectedEndAt) }),
    startedAt,
    ...(finishedAt === null ? {} : { finishedAt }),
    conditions: dated(backfillAspects(backfill), [], new Date(finishedAt ?? startedAt), generation),
    observedGeneration: generation,
  };
}

function backfillAspects({ phase, reason, message, suspended, windows }: BackfillPublication): Aspect[] {
  switch (phase) {
    case 'Running': {
      const going = `${windows.live} of ${windows.total} windows are queued or run, ${windows.waiting} wait for their turn`;
      return aspects('reconciling', suspended ? 'Suspended' : phase, suspended ? `suspended; ${going}` : going);
    }
    case 'Succeeded':
      return aspects('ready', phase, message ?? '');
    case 'Failed':
    case 'Cancelled':
      return aspects('stalled', reason ?? phase, message ?? '');
  }
}

/** Without fractions of a second, as people read it. */
function plain(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z');
}

/** What a person changed of an object that shows a running backfill: what differs and is not ours. Null: nothing. */
export function backfillDrift(resource: Resource, shown: BackfillPublication, defaultPriority: number) {
  const spec = (resource.spec ?? {}) as BackfillResourceSpec;
  const { suspend = false, maxActiveRuns = null, priority = defaultPriority } = spec;
  const theirs = (field: keyof Settings) => !owns(resource, field, true);
  const change = {
    ...(suspend !== shown.suspended && theirs('suspend') ? { suspended: suspend } : {}),
    ...(maxActiveRuns !== shown.maxActiveRuns && theirs('maxActiveRuns') ? { maxActiveRuns } : {}),
    ...(priority !== shown.priority && theirs('priority') ? { priority } : {}),
  };
  return Object.keys(change).length > 0 ? change : null;
}
