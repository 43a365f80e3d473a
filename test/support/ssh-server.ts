import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPackages } from '../cluster/support/packages.ts';

const run = promisify(execFile);
const program = '/usr/sbin/sshd';

/**
 * OpenSSH's own server on an address of this machine, which lets one key in and runs nothing but `git-upload-pack`. Keys are made in `dir`, which must
 * exist; each connection has an `sshd` of its own, so that no port is taken by chance.
 */
export async function startSshServer(dir: string, address = '127.0.0.1') {
  await installPackages('git');
  // Of root it wants this, wherever it finds itself.
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const makeKey = async (name: string) => {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, name)]);
    return { file: join(dir, name), identity: await readFile(join(dir, name), 'utf8'), line: await readLine(name) };
  };
  const readLine = async (name: string) => (await readFile(join(dir, `${name}.pub`), 'utf8')).trim();
  const [host, login] = [await makeKey('host'), await makeKey('login')];
  const only = `sh -c 'case "$SSH_ORIGINAL_COMMAND" in "git-upload-pack "*) eval "$SSH_ORIGINAL_COMMAND";; *) exit 1;; esac'`;
  await writeFile(join(dir, 'authorized_keys'), `restrict,command="${only.replaceAll('"', '\\"')}" ${login.line}\n`);
  const settings = [
    ...[`HostKey ${host.file}`, `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`, 'PasswordAuthentication no'],
    ...['StrictModes no', 'UsePAM no', 'PidFile none', 'AcceptEnv GIT_PROTOCOL'],
  ];
  await writeFile(join(dir, 'sshd_config'), `${settings.join('\n')}\n`);

  const server = createServer({ pauseOnConnect: true }, (socket: Socket) => {
    spawn(program, ['-i', '-e', '-f', join(dir, 'sshd_config')], { stdio: [socket, socket, 'ignore'] });
    socket.destroy();
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    /** Of a repository by its path. */
    url: (path: string) => `ssh://${userInfo().username}@${address}:${port}${path}`,
    identity: login.identity,
    knownHosts: `[${address}]:${port} ${host.line}\n`,
    port,
    makeKey,
    stop: () => void server.close(),
  };
}
