import { askGit } from './ask.ts';
import { refuseCommit } from './explain.ts';
import type { Remote } from './remote.ts';
import { runGit } from './run.ts';
import { openSigners } from './signers.ts';

type Options = {
  readonly dir: string;
  /** Private, and removed by the caller. */
  readonly folder: string;
  readonly remote: Remote;
  /** What the ref names: a commit, or the tag that is an object of its own. */
  readonly named: string;
  readonly commit: string;
  /** The name of the tag, where the ref is one. */
  readonly tag: string | null;
  readonly signal: AbortSignal;
};

/** Throws a RefusedCommitError with the commit or tag and its signer when the remote asks for a signature and that is not there or no good. */
export async function verify(options: Options): Promise<void> {
  const { dir, remote, named, commit, tag, signal } = options;
  if (!remote.verify) return;
  const { mode } = remote.verify;
  const subject = mode === 'tag' ? `tag "${tag}"` : `commit ${commit.slice(0, 12)}`;
  if (mode === 'tag') await checkTag(options);
  const signers = await openSigners(options);
  const check = (environment: Record<string, string>) =>
    runGit(dir, [`verify-${mode}`, '--raw', mode === 'tag' ? named : commit], { environment, signal });
  // The exit code is the answer; what is said only tells why.
  const { ok, said } = await check(signers.valid);
  if (ok) return;
  const again = await check(signers.all);
  throw refuseCommit(remote, commit, `${subject} ${again.ok ? isOver(said) : reasonOf(`${said}\n${again.said}`)}`);
}

async function checkTag({ dir, remote, named, commit, tag, signal }: Options): Promise<void> {
  if (tag === null) {
    throw refuseCommit(
      remote,
      commit,
      'signatures of tags need a tag or a range of versions to follow; name one, or verify commits',
    );
  }
  const type = (await askGit(dir, ['cat-file', '-t', named], signal)).trim();
  if (type !== 'tag') {
    throw refuseCommit(
      remote,
      commit,
      `tag "${tag}" bears no signature, since it is not annotated; make it with \`git tag -s\``,
    );
  }
  // Whoever may push could offer an older tag, which is signed, under a new name.
  const [head = ''] = (await askGit(dir, ['cat-file', 'tag', named], signal)).split('\n\n');
  const signed = /^tag (.*)$/m.exec(head)?.[1];
  if (signed !== tag)
    throw refuseCommit(remote, commit, `tag "${tag}" was signed as "${signed}"; sign it under its own name`);
}

const isOver = (said: string) =>
  `is signed with key ${sshKey(said)}, whose time among the signers is over; sign it with a key that is valid`;
const sshKey = (said: string) => /signature (?:for .* )?with \S+ key (\S+)/.exec(said)?.[1] ?? 'unknown';

const wayOut = 'sign it with a key of the signers';
const withKey = (is: string) => (key: string, user: string) =>
  `is signed by ${user || 'someone'} with key ${key}, ${is}; ${wayOut}`;

/** What `gpg --status-fd` says: the key, and whose it is. */
const pgpReasons: readonly [word: string, reason: (key: string, user: string) => string][] = [
  ['BADSIG', (key, user) => `bears a signature of ${user} (key ${key}) that is not for this content; ${wayOut}`],
  ['REVKEYSIG', withKey('which is revoked')],
  ['EXPKEYSIG', withKey('which has expired')],
  ['EXPSIG', withKey('and the signature has expired')],
  ['ERRSIG', (key) => `is signed with key ${key}, which is none of the signers; ${wayOut}, or add the key to them`],
];

function reasonOf(said: string): string {
  if (/^\s*$|no signature found/.test(said)) return `bears no signature, and only signed ones are taken; ${wayOut}`;
  for (const [word, reason] of pgpReasons) {
    const [, key = '', user = ''] = new RegExp(`^\\[GNUPG:\\] ${word} (\\S+) ?(.*)$`, 'm').exec(said) ?? [];
    if (key) return reason(key, user);
  }
  if (/key has expired/.test(said)) return isOver(said);
  if (/^Good "git" signature/m.test(said)) {
    return `is signed with key ${sshKey(said)}, which is none of the signers; ${wayOut}, or add the key to them`;
  }
  return `bears a signature that is not for this content, or cannot be checked; ${wayOut}`;
}
