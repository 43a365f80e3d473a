import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pipewright } from './command.ts';

/** Makes a new Node say that it is an old one. */
const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.1.2'}})`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-bin-'));
  await mkdir(join(folder, 'cli'));
  await copyFile(new URL('../../../cli/bin.mjs', import.meta.url), join(folder, 'cli', 'bin.mjs'));
});
afterEach(() => rm(folder, { recursive: true }));

function startOld(...args: string[]) {
  return spawnSync(process.execPath, ['--import', pretend, join(folder, 'cli', 'bin.mjs'), ...args], {
    encoding: 'utf8',
  });
}

describe('the launcher', () => {
  test('says in one sentence that this Node is too old', () => {
    const { status, stdout, stderr } = startOld('runs');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      'pipewright: this is Node 20.1.2, and Pipewright needs Node 24 or newer; install it, or run `npm ci` here, which brings it\n',
    );
  });

  test('goes on with the Node that `npm ci` brought, and passes on arguments and exit code', async () => {
    const node = join(folder, 'node_modules', '.bin', 'node');
    await mkdir(join(folder, 'node_modules', '.bin'), { recursive: true });
    await writeFile(node, '#!/bin/sh\necho "$@"\nexit 7\n');
    await chmod(node, 0o755);
    const { status, stdout } = startOld('runs', '--limit', '5');
    expect([status, stdout]).toEqual([7, `${join(folder, 'cli', 'bin.mjs')} runs --limit 5\n`]);
  });
});

describe('completion', () => {
  test('knows the commands and their options in each shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, stdout } = await pipewright(['completion', shell]);
      expect([shell, code]).toEqual([shell, 0]);
      for (const word of ['validate', 'windows', 'rerun', 'max-processes']) expect(stdout).toContain(word);
    }
    expect(await pipewright(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  });

  test('completes in a real bash', async () => {
    const { stdout } = await pipewright(['completion', 'bash']);
    const complete = (words: string[]) => {
      const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${words.length - 1}`;
      return spawnSync('bash', ['--norc', '-c', `${stdout}\n${set}; _pipewright; echo "\${COMPREPLY[@]}"`], {
        encoding: 'utf8',
      }).stdout.trim();
    };
    expect(complete(['pipewright', 'wi'])).toBe('windows');
    expect(complete(['pipewright', 'runs', '--li'])).toBe('--limit');
    expect(complete(['pipewright', 'run', 'taxi', '--w']).split(' ')).toEqual(['--window', '--wait']);
  });
});

describe('as a plugin of kubectl', () => {
  const program = (name: string, ...args: string[]) => {
    const path = fileURLToPath(new URL(`../../../cli/${name}.mjs`, import.meta.url));
    return spawnSync(process.execPath, [path, ...args], { encoding: 'utf8' });
  };
  const complete = (...words: string[]) => program('kubectl_complete-pipewright', ...words).stdout;

  test('names itself as people call it, and asks no other controller than that of the cluster', () => {
    const { stdout, status } = program('kubectl-pipewright', 'runs', '--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Usage: kubectl pipewright runs /);
    expect(stdout).toMatch(/^Examples:\n {2}kubectl pipewright runs\n/m);
    expect(stdout).not.toContain('--server');
  });

  test('answers the completion of kubectl', () => {
    expect(complete('ru')).toMatch(/^run\t.+\nruns\t.+\n:4\n$/);
    expect(complete('runs', '--ph')).toMatch(/^--phase\t.+\n:4\n$/);
    expect(complete('runs', '--phase', 'S')).toBe('Succeeded\t\nSkipped\t\n:4\n');
    expect(complete('completion', '')).toBe('bash\t\nzsh\t\nfish\t\n:4\n');
    // Words that are nobody's but the person's: perhaps a file.
    expect(complete('validate', 'my')).toBe(':0\n');
    expect(complete('no-such-command', '')).toBe(':4\n');
    expect(complete('dr')).toBe(':4\n');
  });
});
