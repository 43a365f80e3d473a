import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { say } from './binaries.ts';

const run = promisify(execFile);

const needed = {
  'control plane': ['openssl', 'curl'],
  node: ['openssl', 'curl', 'runc', 'containernetworking-plugins', 'iptables', 'nftables', 'conntrack', 'iproute2'],
  images: ['buildah', 'debootstrap'],
  git: ['git', 'gnupg', 'openssh-client', 'openssh-server', 'openssl'],
};

/** Whether this process may install Debian packages here, and start a node. */
export function isRootOnDebian(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

/** Installs the Debian packages of this purpose that are missing. Does nothing where it cannot. */
export async function installPackages(purpose: keyof typeof needed): Promise<void> {
  if (!isRootOnDebian()) return;
  const missing = await findMissing(needed[purpose]);
  if (missing.length === 0) return;
  say(`installing Debian packages for the ${purpose}: ${missing.join(' ')}`);
  // The lists of a fresh machine are empty, and updating them takes time where they are not.
  await install(missing).catch(async () => {
    await aptGet(['update', '--quiet']);
    await install(missing);
  });
}

async function findMissing(names: string[]): Promise<string[]> {
  const format = '${Package} ${db:Status-Status}\n';
  // Fails where it does not know one of them, and still prints the others.
  const { stdout } = await run('dpkg-query', ['-W', '-f', format, ...names]).catch((error) => error);
  const installed = new Set(String(stdout).split('\n'));
  return names.filter((name) => !installed.has(`${name} installed`));
}

function install(names: string[]): Promise<unknown> {
  return aptGet(['install', '--yes', '--quiet', '--no-install-recommends', ...names]);
}

/** Waits while another apt-get works. */
function aptGet(args: string[]): Promise<unknown> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return run('apt-get', ['-o', 'DPkg::Lock::Timeout=600', ...args], { env, maxBuffer: 16 * 1024 * 1024 });
}
