import type { BackfillSummary } from '../../schemas/generated/types.ts';

/** `7/12`, with what is going on and what went wrong: `7/12, 2 live, 1 failed`. */
export function progressText({ windows }: Pick<BackfillSummary, 'windows'>): string {
  const { total, succeeded, failed, cancelled, live } = windows;
  const parts = [`${succeeded + failed + cancelled}/${total}`];
  if (live > 0) parts.push(`${live} live`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (cancelled > 0) parts.push(`${cancelled} cancelled`);
  return parts.join(', ');
}
