/** Of the package, which has no types, what is used. */
declare module 'semver' {
  export function maxSatisfying(versions: readonly string[], range: string): string | null;
  export function validRange(range: string): string | null;
}
