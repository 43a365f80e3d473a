import type { Command } from 'commander';
import type { Asking, Settle } from './program.ts';
import type { Terminal } from './terminal.ts';

/** `pools`. `asking` adds what every command has that asks a controller. */
export function addPoolsCommand(program: Command, terminal: Terminal, settle: Settle, asking: Asking): void {
  const pools = program
    .command('pools')
    .description('List the pools: their slots, who holds them and who waits; or all that is known of one.')
    .argument('[pool]', 'name of the one to show');
  asking(pools, ['pipewright pools', 'pipewright pools gpu', 'pipewright pools --output json']).action(
    async (name: string | undefined, options) =>
      settle(await (await import('./commands/pools.ts')).pools(name, options, terminal)),
  );
}
