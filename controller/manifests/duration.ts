import type { Report } from './context.ts';
import type { Path } from './locate.ts';
import { isSound, type PipelineManifest } from './manifest.ts';
import { stringsOf } from './strings.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest that is taken: about ten years. */
const longest = 3660 * 86_400_000;

/** `1h30m` as milliseconds, or undefined when it is no length of time or longer than ten years. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,15}(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) total += Number(count) * (units[unit ?? ''] ?? 0);
  return total <= longest ? total : undefined;
}

/** The milliseconds of a duration that was checked; null where there is none. */
export function milliseconds(duration: string | undefined): number | null {
  return duration === undefined ? null : (parseDuration(duration) ?? null);
}

/** Reports durations of the schema’s form that are longer than is taken, and limits of no length. */
export function checkDurations(manifest: PipelineManifest, report: Report): void {
  for (const { text, path } of stringsOf('PipelineSpec', manifest.value.spec, ['spec'])) {
    const field = String(path.at(-1));
    if (!isDuration(path) || !isSound(manifest, path)) continue;
    const length = parseDuration(text);
    if (length === undefined)
      report(path, 'bad-duration', `is "${text}", which is longer than ten years; write a shorter one`);
    if (length === 0 && field === 'timeout')
      report(path, 'bad-duration', 'is no time at all; write a longer one or remove it');
  }
}

const fields = new Set(['delay', 'jitter', 'deadline', 'timeout', 'initial', 'max']);

const holders = new Set(['schedule', 'retry', 'timeout', 'wait']);

function isDuration(path: Path): boolean {
  const [, list, , field] = path;
  // Labels, variables and the like may be named as a duration is.
  const holder = String(list === 'blocks' ? field : list);
  return fields.has(String(path.at(-1))) && holders.has(holder);
}
