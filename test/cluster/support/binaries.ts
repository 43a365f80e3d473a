import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The Go module and the scripts. */
export const kube = fileURLToPath(new URL('../kube', import.meta.url));

/** What is built for tests stays here between them, outside of the tree. Deleting it costs only time. */
export async function cacheFolder(): Promise<string> {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pipewright');
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * The folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy, kubectl, containerd,
 * ctr, coredns, helm and pause. Builds them where they are not in the cache: minutes, once per change of their sources.
 * Throws one sentence where there is no Go that can.
 */
export async function findBinaries(): Promise<string> {
  const folder = join(await cacheFolder(), `kube-${digest()}`);
  if (existsSync(folder)) {
    await utimes(folder, new Date(), new Date());
    return folder;
  }
  await forgetUnused();
  await requireGo();
  say('building the control plane with Go; this takes some minutes, once');
  const start = performance.now();
  await build(folder);
  say(`built into ${folder} in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return folder;
}

/** What no test has used for a month was built from sources that are no more. */
async function forgetUnused(): Promise<void> {
  const cache = await cacheFolder();
  const monthAgo = Date.now() - 30 * 24 * 3_600_000;
  for (const name of await readdir(cache)) {
    if (!/^(kube|base)-[0-9a-f]{16}$/.test(name)) continue;
    const folder = join(cache, name);
    if ((await stat(folder)).mtimeMs < monthAgo) await rm(folder, { recursive: true });
  }
}

/** A line for whoever waits: vitest keeps back what goes through `console`. */
export function say(line: string): void {
  process.stderr.write(`test cluster: ${line}\n`);
}

/** build.sh names the versions that go.mod does not. */
function digest(): string {
  const hash = createHash('sha256').update(process.platform).update(process.arch);
  const files = globSync(['go.mod', 'go.sum', '**/*.go', 'build.sh'], { cwd: kube }).sort();
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(kube, file)));
  return hash.digest('hex').slice(0, 16);
}

async function requireGo(): Promise<void> {
  const wanted = /^go (\d+\.\d+)/m.exec(readFileSync(join(kube, 'go.mod'), 'utf8'))?.[1] ?? '';
  // In the folder of the module, as Go may fetch the toolchain that go.mod asks for.
  const asked = await promisify(execFile)('go', ['env', 'GOVERSION'], { cwd: kube }).catch(() => null);
  if (asked === null)
    throw new Error(`the test cluster is built with Go, which is not there; put Go ${wanted} or later on PATH`);
  const found = asked.stdout.trim().replace(/^go/, '');
  if (found.localeCompare(wanted, 'en', { numeric: true }) < 0)
    throw new Error(
      `the test cluster is built with Go ${wanted} or later, and this is ${found}; put a later one on PATH`,
    );
}

function build(folder: string): Promise<void> {
  const child = spawn(join(kube, 'build.sh'), [folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  createInterface(child.stdout).on('line', say);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`the control plane could not be built:\n${errors.trim()}`)),
    );
  });
}
