import type { Phase, Reason, ResourceCondition } from '../../schemas/generated/types.ts';
import type { ResourceReason } from '../../schemas/resource-reasons.ts';

/** What a condition or an Event can give as its reason. */
export type WhyName = ResourceReason | Reason | Phase;

/** A condition without the time at which it began to hold. */
export type Aspect = Pick<ResourceCondition, 'type' | 'status' | 'message'> & { readonly reason: WhyName };

/**
 * Ready, first, and Reconciling or Stalled only while they hold: so kstatus (Flux, `kubectl wait`) and Argo CD read them. Ready is
 * Unknown while something is still on its way.
 */
export function aspects(
  state: 'ready' | 'reconciling' | 'stalled',
  reason: WhyName,
  message: string,
): [Aspect, ...Aspect[]] {
  const why = { reason, message };
  switch (state) {
    case 'ready':
      return [{ type: 'Ready', status: 'True', ...why }];
    case 'reconciling':
      return [
        { type: 'Ready', status: 'Unknown', ...why },
        { type: 'Reconciling', status: 'True', ...why },
      ];
    case 'stalled':
      return [
        { type: 'Ready', status: 'False', ...why },
        { type: 'Stalled', status: 'True', ...why },
      ];
  }
}

/** Dates conditions: one whose status is as it was keeps its time. */
export function dated(
  now: readonly Aspect[],
  before: readonly ResourceCondition[],
  at: Date,
  generation: number,
): ResourceCondition[] {
  return now.map((aspect) => {
    const old = before.find(({ type, status }) => type === aspect.type && status === aspect.status);
    return {
      ...aspect,
      lastTransitionTime: old?.lastTransitionTime ?? at.toISOString(),
      observedGeneration: generation,
    };
  });
}
