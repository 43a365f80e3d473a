import type { Plan } from '../../controller/plan/plan.ts';

/** Characters that would steer a terminal, or make text read in another order than it is written. */
const steering = /[^\P{Cc}\t\n]|[\u2028-\u202e\u2066-\u2069]/gu;

/** The plan of a pull request holds what anybody may have written: nothing of it shall steer who reads it. */
export function cleaned(plan: Plan): Plan {
  return clean(plan) as Plan;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(steering, '�');
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(clean);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, clean(item)]));
}
