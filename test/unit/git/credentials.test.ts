import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { resolveRemote } from '../../../controller/git/credentials.ts';
import { folderSecrets } from '../../../controller/git/secrets.ts';
import type { PipelineSourceResourceSpec } from '../../../schemas/generated/types.ts';

type Git = NonNullable<PipelineSourceResourceSpec['git']>;

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pipewright-secrets-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function secret(name: string, keys: Record<string, string>): Promise<void> {
  await mkdir(join(dir, name));
  for (const [key, value] of Object.entries(keys)) await writeFile(join(dir, name, key), value);
}
const resolve = (git: Git) => resolveRemote(git, folderSecrets(dir), new AbortController().signal);
const url = 'https://git.example.org/x';
const secretRef = { name: 'team' };

describe('a remote', () => {
  test('is the branch main and the whole repository where nothing else is said', async () => {
    expect(await resolve({ url })).toEqual({ url, ref: { branch: 'main' }, path: '' });
    expect((await resolve({ url, path: './jobs/' })).path).toBe('jobs');
    expect((await resolve({ url, path: '.' })).path).toBe('');
  });

  test('has its submodules read only where that is said', async () => {
    expect((await resolve({ url, submodules: true })).submodules).toBe(true);
    expect((await resolve({ url, submodules: false })).submodules ?? false).toBe(false);
  });

  test('has the token of its secret without the newline that its file ends in, as it is at this moment', async () => {
    await secret('team', { password: 'one\n', 'ca.crt': 'PEM\n' });
    expect(await resolve({ url, secretRef })).toMatchObject({ token: { user: 'git', password: 'one' }, ca: 'PEM\n' });
    await writeFile(join(dir, 'team/password'), 'two');
    await writeFile(join(dir, 'team/username'), 'robot\n');
    expect((await resolve({ url, secretRef })).token).toEqual({ user: 'robot', password: 'two' });
  });

  test('by ssh has the key and the hosts of its secret, each ended by one newline', async () => {
    await secret('team', { identity: 'KEY', known_hosts: 'h ssh-ed25519 AAAA\n', password: 'for statuses' });
    for (const ssh of ['ssh://git@h/x', 'git@h:x']) {
      expect(await resolve({ url: ssh, secretRef })).toEqual({
        url: ssh,
        ref: { branch: 'main' },
        path: '',
        ssh: { identity: 'KEY\n', knownHosts: 'h ssh-ed25519 AAAA\n' },
      });
    }
  });

  test('has the signers of their secret', async () => {
    await secret('signers', { 'ada.asc': 'A', 'bob.asc': 'B', allowed_signers: 'S', note: 'of no use' });
    const verify = { mode: 'commit' as const, signersRef: { name: 'signers' } };
    expect((await resolve({ url, verify })).verify).toEqual({
      mode: 'commit',
      pgpKeys: expect.arrayContaining(['A', 'B']),
      allowedSigners: 'S',
    });
  });
});

describe('a secret that does not do', () => {
  test.each<[what: string, keys: Record<string, string> | null, git: Git, said: string]>([
    ['is not there', null, { url, secretRef }, 'secret "team" is not there; make the folder source-secrets/team'],
    ['is empty', {}, { url, secretRef }, `secret "team" has no "password", which ${url} needs; add it`],
    [
      'has no hosts',
      { identity: 'KEY' },
      { url: 'git@h:x', secretRef },
      'secret "team" has no "known_hosts", which git@h:x needs; add it',
    ],
    [
      'has no signers',
      { note: 'x' },
      { url, verify: { mode: 'tag', signersRef: secretRef } },
      'secret "team" has neither "*.asc" nor "allowed_signers", so nobody could sign; add the keys of the signers',
    ],
  ])('%s: that is said in a sentence', async (_, keys, git, said) => {
    if (keys) await secret('team', keys);
    await expect(resolve(git)).rejects.toThrow(said);
  });
});
