import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Remote } from './remote.ts';
import { configEnvironment, remoteEnvironment } from './settings.ts';

/** Below the mirror, and there during one call only. */
const privateFolder = 'private';

/**
 * What Git needs to speak with the remote: variables of its environment, and for what it takes only as a file, files that nobody
 * else may read and that are gone afterwards.
 */
export async function openAccess(dir: string, remote: Remote) {
  const folder = join(dir, privateFolder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const write = (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 });
  const { ssh, ca } = remote;
  if (ssh) await write('identity', ssh.identity);
  if (ssh) await write('known_hosts', ssh.knownHosts);
  if (ca) await write('ca.crt', ca);
  const settings = { ...settingsOf(remote), ...(ca && { 'http.sslCAInfo': join(folder, 'ca.crt') }) };
  const environment = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    ...remoteEnvironment,
    ...configEnvironment({ ...settings, ...more }),
    GIT_SSH_VARIANT: 'ssh',
    GIT_SSH_COMMAND: ['ssh -F /dev/null', ...sshOptions.map((each) => `-o ${each}`)].join(' '),
  });
  return {
    /** For files of one call. */
    folder,
    /** `more`: settings of one call. */
    environment,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * Nothing of whoever runs this: no configuration, no agent, no other key, no other hosts; and nobody answers a question. The paths are
 * below the folder that Git runs in.
 */
const sshOptions = [
  ...['BatchMode=yes', 'IdentitiesOnly=yes', 'IdentityAgent=none', `IdentityFile=${privateFolder}/identity`],
  ...['StrictHostKeyChecking=yes', `UserKnownHostsFile=${privateFolder}/known_hosts`, 'GlobalKnownHostsFile=/dev/null'],
  ...['PreferredAuthentications=publickey', 'UpdateHostKeys=no', 'ForwardAgent=no', 'ClearAllForwardings=yes'],
  ...['ControlPath=none', 'PermitLocalCommand=no', 'LogLevel=ERROR', 'ConnectTimeout=15'],
  ...['ServerAliveInterval=15', 'ServerAliveCountMax=3'],
];

function settingsOf({ url, token, proxy, submodule }: Remote): Record<string, string> {
  const basic = token && Buffer.from(`${token.user}:${token.password}`).toString('base64');
  return {
    'transfer.fsckObjects': 'true',
    // Packs can be measured while they grow.
    'fetch.unpackLimit': '1',
    // A server that says nothing for so many seconds is given up.
    'http.lowSpeedLimit': '1',
    'http.lowSpeedTime': '60',
    ...(proxy && { 'http.proxy': proxy }),
    // Git would carry the header to wherever the first answer redirects.
    ...((basic || submodule) && { 'http.followRedirects': 'false' }),
    ...(basic && { [`http.${new URL(url).origin}/.extraHeader`]: `Authorization: Basic ${basic}` }),
  };
}
