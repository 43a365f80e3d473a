import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What `tools/generate.ts` writes, and nothing else lies there. */
const generated = ['schemas/generated', 'docs/reference', 'crds'];

export type Check = { readonly name: string; run(): Promise<Outcome> };
type Outcome = { readonly ok: boolean; readonly output: string };

/** Everything that `npm run check` looks at before the tests, in this order: generation changes what the rest reads. */
export const checks: readonly Check[] = [
  { name: 'generate', run: checkGenerated },
  { name: 'format and lint', run: () => execute('biome', ['check', '--error-on-warnings', '.']) },
  { name: 'types', run: () => execute('tsc', ['--noEmit', '--project', '.']) },
  { name: 'layers', run: () => execute('node', ['tools/check-layers.ts']) },
  { name: 'unused code', run: () => execute('knip', ['--no-progress', '--no-config-hints']) },
];

/** Runs them one after another, prints one line each and what a failed one said. Returns how many passed and failed. */
export async function runChecks(list: readonly Check[]): Promise<{ passed: number; failed: number }> {
  let failed = 0;
  for (const check of list) {
    const start = performance.now();
    const { ok, output } = await check.run();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    if (!ok) console.log(output.trimEnd());
    console.log(`${ok ? '✓' : '✗'} ${check.name} (${seconds} s)`);
    if (!ok) failed++;
  }
  return { passed: list.length - failed, failed };
}

/** Runs a command of node_modules/.bin in the root of the project. */
export function execute(command: string, args: readonly string[]): Promise<Outcome> {
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ ok: false, output: `${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** Compares with what was there before and not with Git, so that it also holds while other changes are not committed. */
async function checkGenerated(): Promise<Outcome> {
  const before = digests();
  const run = await execute('node', ['tools/generate.ts']);
  if (!run.ok) return run;
  const after = digests();
  const stale = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => before.get(path) !== after.get(path),
  );
  const output = `${stale.join(', ')}: did not match schemas/source; commit what \`npm run generate\` has written now`;
  return { ok: stale.length === 0, output };
}

function digests(): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of generated) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.set(path.slice(root.length), createHash('sha256').update(readFileSync(path)).digest('hex'));
    }
  }
  return found;
}
