import type { Remote } from './remote.ts';
import { GitError, RefusedCommitError } from './run.ts';

/** What Git and its helpers say when it is not the mirror's fault; the first that fits. */
const reasons: readonly [pattern: RegExp, fact: string][] = [
  [/no space left|disk quota/i, 'the disk is full'],
  [/couldn't find remote ref|not our ref|no such remote ref/i, 'it has no such branch, tag or commit'],
  [/no \S+ host key is known/i, 'its host key is not among the known hosts; add it when it is the right one'],
  [
    /host key verification failed|host identification has changed/i,
    'its host key is another one than the known hosts have; find out why, and replace it there when it is right',
  ],
  [
    /load key|invalid format|error in libcrypto/i,
    'the deploy key cannot be read; it must be a private key without a passphrase',
  ],
  [
    /returned error: 30\d/i,
    'it redirects, and credentials do not follow; name the URL that it redirects to, which often ends in ".git"',
  ],
  [/proxy|returned error: 407/i, 'the proxy refuses or cannot be reached'],
  [
    /authentication failed|could not read (username|password)|access denied|permission denied \(|returned error: 40[13]/i,
    'it refuses the credentials',
  ],
  [
    /repository .*not found|does not appear to be a git repository|returned error: 404/i,
    'there is no repository, or the credentials may not see it',
  ],
  [/certificate|ssl ca cert|trust anchor/i, 'its certificate is not trusted, or the CA bundle cannot be read'],
  [/fsck error|^error: object \S+: \w+:/i, 'it holds an object that Git finds unsafe; find it with `git fsck`'],
  [/dubious ownership/i, 'it belongs to another user of this machine; name it by https or ssh, or change its owner'],
  [/no user exists for uid/i, 'ssh needs an entry in /etc/passwd for the user that runs this; add one'],
  [/cannot run ssh|ssh: not found/i, 'there is no program `ssh` on the PATH; install it'],
  [
    /could not resolve|connection (refused|reset|closed|timed out)|failed to connect|network is unreachable|no route to host|timed out|too slow|returned error: (429|5\d\d)/i,
    'it cannot be reached',
  ],
];

const longestDetail = 300;

/**
 * One sentence for what went wrong between Git and the remote, without credentials; null when the mirror itself may be at fault.
 */
export function explain(remote: Remote, error: unknown): GitError | null {
  if (error instanceof GitError) return error;
  if ((error as Error).name === 'TimeoutError') {
    return refuse(remote, 'it cannot be reached, or is too slow: an update took as long as one may');
  }
  const lines = linesOf(error);
  // A name in the URL is no reason.
  for (const [pattern, fact] of reasons) {
    const line = lines.find((each) => pattern.test(each.replaceAll(remote.url, '')));
    if (line !== undefined) return refuse(remote, fact, { detail: line, cause: error });
  }
  return null;
}

/** The same when nobody knows why. */
export function giveUp(remote: Remote, error: unknown): GitError {
  const lines = linesOf(error);
  const detail = lines.findLast((line) => /fatal|error/i.test(line)) ?? lines.at(-1) ?? '';
  return explain(remote, error) ?? refuse(remote, 'it could not be fetched', { detail, cause: error });
}

/** `source …, branch "main": <fact>; it is tried again (<detail>)`. */
export function refuse(remote: Remote, fact: string, more: { detail?: string; cause?: unknown } = {}): GitError {
  const [kind, name] = Object.entries(remote.ref)[0] as [string, string];
  const detail = more.detail ? ` (${withoutSecrets(remote, more.detail).slice(0, longestDetail)})` : '';
  return new GitError(`${subjectOf(remote)}, ${kind} "${name}": ${fact}; it is tried again${detail}`, {
    cause: more.cause === undefined ? undefined : new Error(withoutSecrets(remote, linesOf(more.cause).join('\n'))),
  });
}

function subjectOf({ url, submodule }: Remote): string {
  if (!submodule) return `source ${url}`;
  return `submodule "${submodule.at.replace(/\p{C}/gu, ' ')}" of source ${submodule.of}, which is ${url}`;
}

/** The same of a commit that is here and may not be taken. */
export function refuseCommit(remote: Remote, commit: string, fact: string): RefusedCommitError {
  return new RefusedCommitError(refuse(remote, fact).message, { commit, fact });
}

/** What a server says comes after `remote:`, and may be anything. */
function linesOf(error: unknown): string[] {
  const said = String((error as Error).message ?? error);
  return said
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{C}/gu, ' ').trim())
    .filter((line) => line !== '');
}

/** The user and password of a proxy are in its URL, which curl may repeat. */
function withoutSecrets({ token, proxy }: Remote, text: string): string {
  const login = proxy ? new URL(proxy) : null;
  const secrets = [token?.password, login?.password, login && decodeURIComponent(login.password)];
  return secrets.reduce<string>(
    (clean, secret) => (secret && secret.length > 3 ? clean.replaceAll(secret, '***') : clean),
    text,
  );
}
