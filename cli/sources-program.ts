import type { Command } from 'commander';
import type { Asking, Settle } from './program.ts';
import type { Terminal } from './terminal.ts';

/** `sources`. `asking` adds what every command has that asks a controller. */
export function addSourcesCommand(program: Command, terminal: Terminal, settle: Settle, asking: Asking): void {
  const sources = program
    .command('sources')
    .description('List the sources: what was read of each and when, their problems, and why one cannot be read.');
  asking(sources, ['pipewright sources', 'pipewright sources --output json']).action(async (options) =>
    settle(await (await import('./commands/sources.ts')).sources(options, terminal)),
  );
}
