import type { ExitCode } from '../exit.ts';
import type { Terminal } from '../terminal.ts';
import { connect } from './connect.ts';
import { bothNamed, nothingNamed } from './rerun.ts';
import { forSelected, type SelectOptions, selects } from './selection.ts';
import { tellRun } from './wait.ts';

/** Stops one run, or those that a selection finds. */
export async function cancel(name: string | undefined, options: SelectOptions, terminal: Terminal): Promise<ExitCode> {
  if (name === undefined) {
    if (!selects(options)) throw nothingNamed('cancel');
    const act = { would: 'be cancelled', done: 'Cancel', phase: 'Queued,Running' };
    return forSelected({ ...act, act: (client, run) => client.cancel(run) }, options, terminal);
  }
  if (selects(options)) throw bothNamed();
  const client = await connect(options);
  const answer = await client.cancel(name);
  return tellRun(client, answer.run, { output: options.output }, terminal);
}
