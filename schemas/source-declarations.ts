import type { PipelineSourceResourceSpec } from './generated/types.ts';

/** A source as a file, flags or a custom resource declare it: checked, with its interval in ms. */
export type SourceDeclaration = {
  readonly name: string;
  readonly spec: PipelineSourceResourceSpec;
  readonly everyMs: number;
};

type GitSpec = NonNullable<PipelineSourceResourceSpec['git']>;

/** What is followed, as `branch main`. */
export function refText({ ref = defaultRef }: GitSpec): string {
  const [kind, name] = Object.entries(ref)[0] ?? [];
  return `${kind} ${name}`;
}

export const defaultRef = { branch: 'main' } as const;

/** With `/`, from the top of the repository; `''` for all of it, which people write as `.` too. */
export function pathOf({ path = '' }: GitSpec): string {
  return path.replace(/^(\.?\/)+|\/+$/g, '').replace(/^\.$/, '');
}

/** `ssh://…` and `git@HOST:PATH`. */
export function isSshUrl(url: string): boolean {
  return /^ssh:/.test(url) || /^[^/@:\s]+@[^/:\s]+:/.test(url);
}
