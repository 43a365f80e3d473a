import type { Context, Report } from './context.ts';
import type { Path } from './locate.ts';
import { type Asked, judge } from './policy.ts';

/**
 * Reports what is asked for beyond the policy of the place, where a policy holds. `at`: where in the manifest a path of `asked` stands;
 * undefined where it is reported elsewhere.
 */
export function reportExcess(
  { place }: Context,
  report: Report,
  asked: Asked,
  at: (path: Path) => Path | undefined,
): void {
  if (place?.kind !== 'jobs') return;
  for (const { path, message } of judge(asked, place)) {
    const found = at(path);
    if (found) report(found, 'outside-policy', message);
  }
}
