import type { PoolHolder, PoolSummary } from '../../schemas/generated/types.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit.ts';
import { table } from '../format/table.ts';
import { relative } from '../format/times.ts';
import type { Terminal } from '../terminal.ts';
import { type AskOptions, connect } from './connect.ts';

/** Names that fit into a line of the list. */
const named = 3;

/** Lists the pools, or shows those of one name with who holds and who waits. */
export async function pools(name: string | undefined, options: AskOptions, terminal: Terminal): Promise<ExitCode> {
  const { pools: all } = await (await connect(options)).pools();
  const found = name === undefined ? all : all.filter((pool) => pool.name === name);
  if (name !== undefined && found.length === 0) {
    throw new CommandError(
      exitCodes.failed,
      'unknown-pool',
      `there is no pool "${name}"; \`pipewright pools\` lists them`,
    );
  }
  if (options.output === 'json') terminal.json({ pools: found });
  else if (found.length === 0) terminal.out('There are no pools: add a manifest of kind Pool to have one.');
  else if (name === undefined) terminal.out(list(found, terminal));
  else for (const pool of found) for (const part of poolText(pool, terminal)) terminal.out(part);
  return exitCodes.ok;
}

function list(found: readonly PoolSummary[], terminal: Terminal): string {
  const rows = found.map((pool) => [
    pool.name,
    pool.source,
    `${pool.used}/${pool.slots}`,
    pool.waiting === 0 ? '' : String(pool.waiting),
    pool.gone ? terminal.colors.yellow('gone') : '',
    whoText(pool.holders, pool.used),
  ]);
  return table(['NAME', 'SOURCE', 'USED', 'WAITING', 'STATE', 'HELD BY'], rows, terminal);
}

function whoText(holders: readonly PoolHolder[], total: number): string {
  const names = holders.slice(0, named).map(holderText);
  return total > names.length && names.length > 0
    ? `${names.join(', ')} and ${total - names.length} more`
    : names.join(', ');
}

function holderText({ run, task }: PoolHolder): string {
  return task === null ? run : `${run} (${task})`;
}

function poolText(pool: PoolSummary, terminal: Terminal): string[] {
  const { name, description, slots, used, waiting, gone, holders, waiters } = pool;
  const state = gone ? ', its manifest is gone' : '';
  const lines = [...part('holds', holders), ...part('waits', waiters)];
  function part(what: string, who: readonly PoolHolder[]): string[][] {
    return who.map(({ run, task, since }) => [run, task ?? '', what, relative(since, terminal.now())]);
  }
  return [
    `${terminal.colors.bold(name)}  ${used} of ${slots} slots in use, ${waiting} waiting${state}`,
    ...(description === null ? [] : [description]),
    ...(lines.length === 0 ? [] : ['', table(['RUN', 'TASK', 'STATE', 'SINCE'], lines, terminal)]),
  ];
}
