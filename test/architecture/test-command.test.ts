import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'test-command-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

type Ended = { code: number | null; lines: string[]; output: string };

/** Both streams into one pipe, as a person or a CI sees them. */
function run(command: string, args: string[], cwd: string, environment: Record<string, string>): Promise<Ended> {
  const env = { PATH: process.env.PATH, NO_COLOR: '1', ...environment };
  const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', command, ...args], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output, lines: output.trimEnd().split('\n') }));
  });
}

describe('npm test', () => {
  /** Runs these suites in a project of their own. The filter `suites` leaves out the checks of the code. */
  function suites(files: Record<string, string>, environment: Record<string, string> = {}): Promise<Ended> {
    const folder = folderWith(files);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    return run(process.execPath, [join(root, 'tools/test.ts'), 'suites'], folder, environment);
  }
  const passing = `import { test } from 'vitest';\ntest('passes', () => {});\n`;
  const skipping = `import { test } from 'vitest';\ntest('is skipped', (one) => one.skip('no browser here'));\n`;

  test('ends with the sum over all suites, where whatever fails outside a test counts as well', async () => {
    const { code, lines } = await suites({
      'suites/a.test.ts': `${passing}test('fails', () => { throw new Error('as it should'); });\n`,
      'suites/b.test.ts': passing,
      'suites/does-not-load.test.ts': `import './nothing.ts';\n`,
      'suites/hook-fails.test.ts': `${passing}import { beforeAll } from 'vitest';\nbeforeAll(() => { throw new Error('no'); });\n`,
      'suites/stray.test.ts': `${passing}void Promise.reject(new Error('nobody waits for this'));\n`,
    });
    expect(lines.at(-1)).toBe('3 passed, 4 failed, 1 skipped');
    expect(code).toBe(1);
  });

  test('passes with a skipped test on the machine of a person, and says so', async () => {
    const { code, lines } = await suites({ 'suites/a.test.ts': passing, 'suites/b.test.ts': skipping });
    expect(lines.at(-1)).toBe('1 passed, 0 failed, 1 skipped');
    expect(code).toBe(0);
  });

  test('fails with a skipped test in CI, and gives its reason', async () => {
    const { code, lines, output } = await suites(
      { 'suites/a.test.ts': passing, 'suites/b.test.ts': skipping },
      { CI: 'true' },
    );
    expect(output).toContain('suites/b.test.ts: is skipped: no browser here');
    expect(lines.at(-1)).toBe('1 passed, 1 failed, 1 skipped');
    expect(code).toBe(1);
  });

  test('fails when no test ran', async () => {
    const { code, lines } = await suites({ 'other/a.test.ts': passing });
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
    expect(code).toBe(1);
  });
});

describe('.ci/run', () => {
  /** Runs it beside an `npm` that prints these lines and exits with that code. */
  function ci(lines: readonly string[], code: number): Promise<Ended> {
    const folder = folderWith({
      'bin/npm': `#!/bin/sh\ntest "$1 $CI" = "cit true" || exit 99\ncat <<'END'\n${lines.join('\n')}\nEND\nexit ${code}\n`,
      '.ci/empty': '',
    });
    chmodSync(join(folder, 'bin/npm'), 0o755);
    copyFileSync(join(root, '.ci/run'), join(folder, '.ci/run'));
    const path = [join(folder, 'bin'), process.env.PATH].join(delimiter);
    return run('bash', [join(folder, '.ci/run')], tmpdir(), { PATH: path });
  }

  test('ends as npm test ended', async () => {
    const { code, lines } = await ci(['added 1 package', '7 passed, 0 failed'], 0);
    expect(lines).toEqual(['added 1 package', '7 passed, 0 failed']);
    expect(code).toBe(0);
  });

  test('says the closing line again behind what npm prints after a failure, and keeps the exit code', async () => {
    const { code, lines } = await ci(['5 passed, 2 failed, 1 skipped', 'npm error code 3'], 3);
    expect(lines.slice(1)).toEqual(['npm error code 3', '5 passed, 2 failed, 1 skipped']);
    expect(code).toBe(3);
  });

  test('counts an installation that fails', async () => {
    const { code, lines } = await ci(['npm error cannot install'], 1);
    expect(lines.at(-1)).toBe('0 passed, 1 failed');
    expect(code).toBe(1);
  });
});
