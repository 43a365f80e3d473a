import type { PipelineSourceResourceSpec } from '../../schemas/generated/types.ts';
import { defaultRef, isSshUrl, pathOf } from '../../schemas/source-declarations.ts';
import type { Remote, Verify } from './remote.ts';
import { SecretError, type Secrets, secretText } from './secrets.ts';

type GitSpec = NonNullable<PipelineSourceResourceSpec['git']>;

/** The remote of a declaration with its credentials as they are now. Throws a SecretError. */
export async function resolveRemote(git: GitSpec, secrets: Secrets, signal: AbortSignal): Promise<Remote> {
  const { url, ref = defaultRef, secretRef, proxy, verify, submodules } = git;
  return {
    url,
    ref: ref as Remote['ref'],
    path: pathOf(git),
    ...(secretRef && credentials(url, secretRef.name, await secrets.read(secretRef.name, signal))),
    ...(proxy !== undefined && { proxy }),
    ...(submodules && { submodules }),
    ...(verify && { verify: signers(verify, await secrets.read(verify.signersRef.name, signal)) }),
  };
}

function credentials(
  url: string,
  name: string,
  secret: ReadonlyMap<string, string>,
): Pick<Remote, 'token' | 'ssh' | 'ca'> {
  const need = (key: string): string => {
    const value = secretText(secret, key);
    if (value) return value;
    throw new SecretError(`secret "${name}" has no "${key}", which ${url} needs; add it`);
  };
  // The newline at its end is part of a key.
  if (isSshUrl(url)) return { ssh: { identity: `${need('identity')}\n`, knownHosts: `${need('known_hosts')}\n` } };
  const ca = secret.get('ca.crt');
  const password = secretText(secret, 'password');
  if (password === undefined && ca === undefined) need('password');
  return {
    ...(password !== undefined && { token: { user: secretText(secret, 'username') ?? 'git', password } }),
    ...(ca !== undefined && { ca }),
  };
}

function signers(
  { mode, signersRef: { name } }: NonNullable<GitSpec['verify']>,
  secret: ReadonlyMap<string, string>,
): Verify {
  const pgpKeys = [...secret].filter(([key]) => key.endsWith('.asc')).map(([, value]) => value);
  const allowedSigners = secret.get('allowed_signers');
  if (pgpKeys.length === 0 && !allowedSigners) {
    throw new SecretError(
      `secret "${name}" has neither "*.asc" nor "allowed_signers", so nobody could sign; add the keys of the signers`,
    );
  }
  return { mode, pgpKeys, ...(allowedSigners !== undefined && { allowedSigners }) };
}
