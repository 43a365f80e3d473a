import { environmentOf } from '../manifests/environment-folder.ts';

type Files = ReadonlyMap<string, string>;

/** Environments of which a file differs, is new or is gone, sorted. */
export function changedOverlays(before: Files, after: Files): string[] {
  const names = new Set<string>();
  for (const file of new Set([...before.keys(), ...after.keys()])) {
    const environment = environmentOf(file);
    if (environment && before.get(file) !== after.get(file)) names.add(environment);
  }
  return [...names].sort();
}
