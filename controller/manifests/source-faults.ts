import { validRange } from 'semver';
import type { PipelineSourceResourceSpec } from '../../schemas/generated/types.ts';
import type { ProblemCode } from '../../schemas/problem-codes.ts';
import { isSshUrl } from '../../schemas/source-declarations.ts';
import { parseDuration } from './duration.ts';
import type { Path } from './locate.ts';

/** What no schema says of a source's spec. `message` goes on from the source's and the field's names. */
export type SourceFault = { readonly path: Path; readonly code: ProblemCode; readonly message: string };

type GitSpec = NonNullable<PipelineSourceResourceSpec['git']>;

const leastIntervalMs = 1_000;
const refs = ['branch', 'tag', 'semver', 'commit'] as const;

/** Faults of a spec that fits its schema. A cluster has the same rules in its CustomResourceDefinition, where it can. */
export function sourceFaults(spec: PipelineSourceResourceSpec): SourceFault[] {
  const { git, folder, interval } = spec;
  const faults: SourceFault[] = [];
  const fault = (path: Path, code: ProblemCode, message: string) =>
    faults.push({ path: ['spec', ...path], code, message });
  if (git && folder) fault(['folder'], 'one-form', 'stands beside "git"; give exactly one of git and folder');
  if (!git && !folder) fault([], 'one-form', 'has neither "git" nor "folder"; give exactly one of them');
  const everyMs = intervalOf(interval);
  if (everyMs === undefined || everyMs < leastIntervalMs) {
    fault(['interval'], 'bad-duration', `is "${interval}"; write at least 1s, and at most ten years`);
  }
  if (git) checkGit(git, (path, code, message) => fault(['git', ...path], code, message));
  return faults;
}

/** Ms; undefined where it is no length of time. A minute where nothing is said. */
export function intervalOf(interval = '1m'): number | undefined {
  return parseDuration(interval);
}

type Tell = (path: Path, code: ProblemCode, message: string) => void;

function checkGit(git: GitSpec, fault: Tell): void {
  const { url, ref, path, secretRef, proxy, verify, status } = git;
  if (/^https?:\/\/[^/]*@/.test(url) || /^ssh:\/\/[^/@]*:[^/@]*@/.test(url))
    fault(['url'], 'clear-text-secret', 'holds credentials; put them into a secret and name it in secretRef');
  if (ref) checkRef(ref, fault);
  if (path !== undefined && /^\/|(^|\/)\.\.(\/|$)/.test(path))
    fault(
      ['path'],
      'unsafe-path',
      `is "${path}", which leaves the repository; write one relative to its root, without ".."`,
    );
  if (isSshUrl(url) && !secretRef)
    fault(['url'], 'missing-field', 'needs a key; name the secret with "identity" and "known_hosts" in secretRef');
  if (proxy !== undefined && !isHttp(url)) fault(['proxy'], 'bad-value', 'is for http and https only; remove it');
  if (verify?.mode === 'tag' && !ref?.tag && !ref?.semver)
    fault(
      ['verify', 'mode'],
      'bad-value',
      'is "tag", and ref names no tag; write ref.tag or ref.semver, or mode: commit',
    );
  if (status && !secretRef)
    fault(['status'], 'missing-field', 'needs a token; name the secret with its "password" in secretRef');
}

function checkRef(ref: NonNullable<GitSpec['ref']>, fault: Tell): void {
  const named = refs.filter((each) => ref[each] !== undefined);
  if (ref.semver !== undefined && validRange(ref.semver) === null)
    fault(
      ['ref', 'semver'],
      'bad-value',
      `is "${ref.semver}", which is no range of versions; write one such as >=1.2 <2`,
    );
  if (named.length === 1) return;
  const fact = named.length === 0 ? 'names nothing' : `has ${named.join(' and ')}`;
  fault(['ref'], 'one-form', `${fact}; give exactly one of ${refs.join(', ')}`);
}

const isHttp = (url: string) => /^https?:/.test(url);
