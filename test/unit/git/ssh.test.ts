import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Remote } from '../../../controller/git/remote.ts';
import { createMirrored, type Mirrored } from '../../support/mirrored.ts';
import { startSshServer } from '../../support/ssh-server.ts';

const { signal } = new AbortController();

let ground: Mirrored;
let server: Awaited<ReturnType<typeof startSshServer>>;
let commit: string;
beforeEach(async () => {
  ground = await createMirrored();
  await ground.repository.write({ 'team/a.yaml': 'one\n', 'team/b c.sql': 'select 1\n', 'other.yaml': 'no\n' });
  commit = await ground.repository.commit();
  await mkdir(join(ground.home, 'ssh'));
  server = await startSshServer(join(ground.home, 'ssh'));
});
afterEach(async () => {
  server.stop();
  await ground.close();
});

function mirrorOf(more: Partial<NonNullable<Remote['ssh']>> = {}, url = server.url(`${ground.repository.dir}/.git`)) {
  const { identity, knownHosts } = server;
  return ground.mirrorOf({ url, ssh: { identity, knownHosts, ...more } });
}

test('a push is fetched with a deploy key, of which nothing is left', async () => {
  const mirror = mirrorOf();
  expect((await mirror.update(signal)).commit).toBe(commit);
  expect([...(await mirror.read(commit)).files.keys()]).toEqual(['a.yaml', 'b c.sql']);
  await ground.repository.write({ 'team/a.yaml': 'two\n' });
  const next = await ground.repository.commit();
  expect((await mirror.update(signal)).commit).toBe(next);
  expect(existsSync(join(ground.dir, 'private'))).toBe(false);
  for (const name of await readdir(ground.dir, { recursive: true })) {
    const text = await readFile(join(ground.dir, name), 'latin1').catch(() => '');
    expect(text).not.toContain('PRIVATE KEY');
  }
});

test('a server whose host key is not known, or is another one, is refused before it is shown a key', async () => {
  const other = await server.makeKey('other');
  await expect(mirrorOf({ knownHosts: '' }).update(signal)).rejects.toThrow(
    /its host key is not among the known hosts/,
  );
  await expect(mirrorOf({ knownHosts: `[127.0.0.1]:${server.port} ${other.line}\n` }).update(signal)).rejects.toThrow(
    /its host key is another one than the known hosts have; find out why/,
  );
});

test('a key that the server does not take, and one that is no key, are said without it', async () => {
  const { identity } = await server.makeKey('other');
  await expect(mirrorOf({ identity }).update(signal)).rejects.toThrow(/it refuses the credentials/);
  const broken = mirrorOf({ identity: identity.slice(0, 100) }).update(signal);
  await expect(broken).rejects.toThrow(/the deploy key cannot be read; it must be a private key without a passphrase/);
  await expect(broken).rejects.not.toThrow(identity.split('\n')[1]);
});

test('keys and configuration of whoever runs this do not count', async () => {
  process.env.SSH_AUTH_SOCK = join(ground.home, 'agent');
  process.env.GIT_SSH_COMMAND = 'false';
  expect((await mirrorOf().update(signal)).commit).toBe(commit);
  delete process.env.SSH_AUTH_SOCK;
  delete process.env.GIT_SSH_COMMAND;
});

test('a repository that is not there and a server that is away are said', async () => {
  await expect(mirrorOf({}, server.url('/nobody')).update(signal)).rejects.toThrow(/there is no repository/);
  await expect(mirrorOf({}, 'ssh://git@127.0.0.1:1/x').update(signal)).rejects.toThrow(/it cannot be reached/);
});
