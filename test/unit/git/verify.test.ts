import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Verify } from '../../../controller/git/remote.ts';
import { installPackages } from '../../cluster/support/packages.ts';
import { createMirrored, type Mirrored } from '../../support/mirrored.ts';

const run = promisify(execFile);
const { signal } = new AbortController();

let ground: Mirrored;
beforeAll(() => installPackages('git'));
beforeEach(async () => {
  ground = await createMirrored();
  await ground.repository.write({ 'team/a.yaml': 'one\n' });
});
afterEach(async () => {
  await Promise.all(keyrings.splice(0).map((dir) => run('gpgconf', ['--homedir', dir, '--kill', 'all'])));
  await ground.close();
});

const keyrings: string[] = [];

/** Somebody with a GPG key; `config` for `gpg.conf` while the key is made and used. */
async function pgpSigner(name: string, { config = '', expires = 'never' } = {}) {
  const keyring = join(ground.home, `keyring-${name}`);
  await mkdir(keyring, { mode: 0o700 });
  keyrings.push(keyring);
  await writeFile(join(keyring, 'gpg.conf'), config);
  const gpg = async (...args: string[]) => (await run('gpg', ['--homedir', keyring, '--batch', ...args])).stdout;
  const user = `${name} <${name}@example.org>`;
  await gpg('--quiet', '--passphrase', '', '--quick-generate-key', user, 'ed25519', 'sign', expires);
  const key = /^fpr:+([0-9A-F]+):/m.exec(await gpg('--with-colons', '--list-keys'))?.[1] ?? '';
  const program = join(keyring, 'program');
  await writeFile(program, `#!/bin/sh\nexec gpg --homedir '${keyring}' "$@"\n`, { mode: 0o755 });
  return {
    key,
    publicKey: await gpg('--armor', '--export'),
    settings: ['-c', `gpg.program=${program}`, '-c', `user.signingkey=${key}`],
  };
}

/** Somebody with an SSH key. */
async function sshSigner(name: string) {
  const file = join(ground.home, name);
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
  const publicKey = (await readFile(`${file}.pub`, 'utf8')).trim();
  const { stdout } = await run('ssh-keygen', ['-l', '-f', `${file}.pub`]);
  return {
    key: stdout.split(' ')[1] ?? '',
    settings: ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${file}`],
    line: (options = '') => `${name}@example.org ${options} ${publicKey}\n`,
  };
}

type Signer = { readonly settings: readonly string[] };

async function commitBy(signer: Signer | null): Promise<string> {
  const { git } = ground.repository;
  await git('add', '--all');
  await git(
    ...(signer?.settings ?? []),
    'commit',
    '--quiet',
    '--allow-empty',
    ...(signer ? ['-S'] : []),
    '-m',
    'change',
  );
  return git('rev-parse', 'HEAD');
}

const signers = (more: Partial<Verify>): Verify => ({ mode: 'commit', pgpKeys: [], ...more });
const update = (verify: Verify, ref?: { tag: string } | { semver: string }) =>
  ground.mirrorOf({ verify, ...(ref && { ref }) }).update(signal);

test('a commit that a GPG signer signed is taken, and one by anybody else is refused with the key', async () => {
  const [ada, eve] = [await pgpSigner('ada'), await pgpSigner('eve')];
  const verify = signers({ pgpKeys: [ada.publicKey] });
  const good = await commitBy(ada);
  expect((await update(verify)).commit).toBe(good);
  const stolen = await commitBy(eve);
  await expect(update(verify)).rejects.toThrow(
    `commit ${stolen.slice(0, 12)} is signed with key ${eve.key.slice(-16)}, which is none of the signers; sign it with a key of the signers, or add the key to them`,
  );
  expect((await update(signers({ pgpKeys: [ada.publicKey, eve.publicKey] }))).commit).toBe(stolen);
});

test('an unsigned commit is refused, and the next signed one is taken', async () => {
  const ada = await pgpSigner('ada');
  const verify = signers({ pgpKeys: [ada.publicKey] });
  const unsigned = await commitBy(null);
  await expect(update(verify)).rejects.toThrow(
    `commit ${unsigned.slice(0, 12)} bears no signature, and only signed ones are taken`,
  );
  const good = await commitBy(ada);
  expect((await update(verify)).commit).toBe(good);
});

test('a key that has expired is refused, though the commit says it was made before', async () => {
  const late = await pgpSigner('late', { config: 'faked-system-time 20200101T000000\n', expires: '20200201T000000' });
  const commit = await commitBy(late);
  await expect(update(signers({ pgpKeys: [late.publicKey] }))).rejects.toThrow(
    `commit ${commit.slice(0, 12)} is signed by late <late@example.org> with key ${late.key.slice(-16)}, which has expired`,
  );
  const ssh = await sshSigner('ssh');
  process.env.GIT_COMMITTER_DATE = '2019-05-01T00:00:00Z';
  const old = await commitBy(ssh).finally(() => delete process.env.GIT_COMMITTER_DATE);
  await expect(update(signers({ allowedSigners: ssh.line('valid-before="20200101"') }))).rejects.toThrow(
    `commit ${old.slice(0, 12)} is signed with key ${ssh.key}, whose time among the signers is over`,
  );
  expect((await update(signers({ allowedSigners: ssh.line('valid-before="29990101"') }))).commit).toBe(old);
});

test('a commit that an SSH signer signed is taken, and one by anybody else is refused with the key', async () => {
  const [ada, eve] = [await sshSigner('ada'), await sshSigner('eve')];
  const verify = signers({ allowedSigners: ada.line('namespaces="git"') });
  const good = await commitBy(ada);
  expect((await update(verify)).commit).toBe(good);
  const stolen = await commitBy(eve);
  await expect(update(verify)).rejects.toThrow(`is signed with key ${eve.key}, which is none of the signers`);
  await expect(update(signers({ allowedSigners: eve.line('namespaces="file"') }))).rejects.toThrow('cannot be checked');
  expect((await update(signers({ allowedSigners: eve.line() }))).commit).toBe(stolen);
});

test('a signature that was made for another commit is refused', async () => {
  for (const signer of [await pgpSigner('ada'), await sshSigner('bob')]) {
    const { git, dir } = ground.repository;
    const raw = await run('git', ['cat-file', 'commit', await commitBy(signer)], { cwd: dir });
    const file = join(ground.home, 'forged');
    await writeFile(file, raw.stdout.replace(/change\n$/, 'forged\n'));
    const forged = await git('hash-object', '-t', 'commit', '-w', file);
    await git('reset', '--quiet', '--hard', forged);
    const verify = 'line' in signer ? { allowedSigners: signer.line() } : { pgpKeys: [signer.publicKey] };
    await expect(update(signers(verify))).rejects.toThrow(
      new RegExp(`commit ${forged.slice(0, 12)} bears a signature .*that is not for this content`),
    );
  }
});

test('a tag counts when it is annotated, signed and under the name that was signed', async () => {
  const { git } = ground.repository;
  const [ada, eve] = [await pgpSigner('ada'), await sshSigner('eve')];
  const verify = signers({ mode: 'tag', pgpKeys: [ada.publicKey] });
  const commit = await commitBy(null);
  await git(...ada.settings, 'tag', '-s', 'v1.0.0', '-m', 'one');
  expect(await update(verify, { tag: 'v1.0.0' })).toMatchObject({ commit, tag: 'v1.0.0' });
  expect(await update(verify, { semver: '1.x' })).toMatchObject({ commit, tag: 'v1.0.0' });
  await git('tag', '-a', 'unsigned', '-m', 'one');
  await git('tag', 'light');
  await git(...eve.settings, 'tag', '-s', 'eve', '-m', 'one');
  await git('update-ref', 'refs/tags/v2.0.0', 'refs/tags/v1.0.0');
  for (const [tag, sentence] of [
    ['unsigned', 'tag "unsigned" bears no signature, and only signed ones are taken'],
    ['light', 'tag "light" bears no signature, since it is not annotated; make it with `git tag -s`'],
    ['eve', `tag "eve" is signed with key ${eve.key}, which is none of the signers`],
    ['v2.0.0', 'tag "v2.0.0" was signed as "v1.0.0"; sign it under its own name'],
  ] as const)
    await expect(update(verify, { tag })).rejects.toThrow(sentence);
  await expect(update(verify)).rejects.toThrow('signatures of tags need a tag or a range of versions to follow');
});

test('the keyring and trust of whoever runs this do not count, and nothing of a check is left', async () => {
  const ada = await pgpSigner('ada');
  await commitBy(ada);
  process.env.GNUPGHOME = join(ground.home, 'keyring-ada');
  await expect(update(signers({ allowedSigners: '' }))).rejects.toThrow('which is none of the signers');
  await update(signers({ pgpKeys: [ada.publicKey] }));
  delete process.env.GNUPGHOME;
  expect(existsSync(join(ground.dir, 'private'))).toBe(false);
  expect(await readdir(ground.dir)).not.toContain('gnupg');
  await expect(update(signers({ pgpKeys: ['rubbish'] }))).rejects.toThrow(
    /a key of the signers cannot be read; it must be/,
  );
});
