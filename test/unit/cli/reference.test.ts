import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../../cli/program.ts';
import { createTerminal } from '../../../cli/terminal.ts';
import { pipewright } from './command.ts';

const terminal = createTerminal({ stdout: process.stdout, stderr: process.stderr, env: {} });
const commands: readonly Command[] = createProgram(terminal, () => {}).commands;

describe('the reference of the command line', () => {
  test('names every command and every option, and no other command', async () => {
    const page = await readFile(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8');
    const table = page.slice(0, page.indexOf('## Options'));
    const named = [...table.matchAll(/^\| `([a-z]+)[ `]/gm)].map((match) => match[1]);
    expect(new Set(named)).toEqual(new Set(commands.map((command) => command.name())));
    for (const command of commands) {
      for (const option of command.options)
        expect([command.name(), page]).toEqual([command.name(), expect.stringContaining(option.long ?? '')]);
    }
  });
});

describe('--help', () => {
  test('has examples and exit codes for every command', async () => {
    for (const command of commands) {
      const { code, stdout } = await pipewright([command.name(), '--help']);
      expect([command.name(), code]).toEqual([command.name(), 0]);
      expect(stdout).toMatch(/^Examples:\n {2}pipewright /m);
      if (command.name() !== 'completion') expect(stdout).toMatch(/Exit codes: 0 /);
    }
  });
});
