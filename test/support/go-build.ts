import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** What is built for tests stays here between them, outside of the tree. Deleting it costs only time. */
export async function cacheFolder(): Promise<string> {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pipewright');
  await mkdir(folder, { recursive: true });
  return folder;
}

type Build = {
  /** How its folder in the cache begins. */
  readonly name: string;
  /** With `go.mod` and `build.sh FOLDER`, which builds into that folder as a whole or not at all. */
  readonly sources: string;
  /** For whom it is built, as `the test cluster`, and what that is, as `the control plane`. */
  readonly purpose: string;
  readonly what: string;
  /** A line for whoever waits. */
  readonly say: (line: string) => void;
};

/**
 * The folder with what `build.sh` makes. Builds it where it is not in the cache: minutes, once per change of its sources. Throws one
 * sentence where there is no Go that can.
 */
export async function findBuilt(build: Build): Promise<string> {
  const { name, sources, what, say } = build;
  const folder = join(await cacheFolder(), `${name}-${digestOf(sources)}`);
  if (existsSync(folder)) {
    await utimes(folder, new Date(), new Date());
    return folder;
  }
  await forgetUnused();
  await requireGo(build);
  say(`building ${what} with Go; this takes some minutes, once`);
  const start = performance.now();
  await run(build, folder);
  say(`built into ${folder} in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return folder;
}

/** What no test has used for a month was built from sources that are no more. */
async function forgetUnused(): Promise<void> {
  const cache = await cacheFolder();
  const monthAgo = Date.now() - 30 * 24 * 3_600_000;
  for (const name of await readdir(cache)) {
    if (!/^(kube|base|gitea|readers)-[0-9a-f]{16}$/.test(name)) continue;
    const folder = join(cache, name);
    if ((await stat(folder)).mtimeMs < monthAgo) await rm(folder, { recursive: true });
  }
}

/** build.sh names the versions that go.mod does not. */
function digestOf(sources: string): string {
  const hash = createHash('sha256').update(process.platform).update(process.arch);
  const files = globSync(['go.mod', 'go.sum', '**/*.go', 'build.sh'], { cwd: sources }).sort();
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(join(sources, file)));
  return hash.digest('hex').slice(0, 16);
}

async function requireGo({ sources, purpose }: Build): Promise<void> {
  const wanted = /^go (\d+\.\d+)/m.exec(readFileSync(join(sources, 'go.mod'), 'utf8'))?.[1] ?? '';
  // In the folder of the module, as Go may fetch the toolchain that go.mod asks for.
  const asked = await promisify(execFile)('go', ['env', 'GOVERSION'], { cwd: sources }).catch(() => null);
  if (asked === null)
    throw new Error(`${purpose} is built with Go, which is not there; put Go ${wanted} or later on PATH`);
  const found = asked.stdout.trim().replace(/^go/, '');
  if (found.localeCompare(wanted, 'en', { numeric: true }) < 0)
    throw new Error(`${purpose} is built with Go ${wanted} or later, and this is ${found}; put a later one on PATH`);
}

function run({ sources, what, say }: Build, folder: string): Promise<void> {
  const child = spawn(join(sources, 'build.sh'), [folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  createInterface(child.stdout).on('line', say);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${what} could not be built:\n${errors.trim()}`)),
    );
  });
}
