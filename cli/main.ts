#!/usr/bin/env node
import { basename } from 'node:path';
import { CommanderError } from 'commander';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { createProgram } from './program.ts';
import { createTerminal, type Terminal } from './terminal.ts';

const terminal = createTerminal(process);
// `pipewright runs | head` closes the pipe early; that is no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.unable),
  );
}
const exitCode = await main(process.argv, terminal);
// What was written to a pipe is still on its way.
for (const stream of [process.stdout, process.stderr]) await new Promise((written) => stream.write('', written));
// And not when nothing is left to do: connections that are kept open would hold up the prompt for seconds.
process.exit(exitCode);

async function main(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  try {
    const called = basename(argv[1] ?? '');
    const program = createProgram(
      terminal,
      (code) => {
        exitCode = code;
      },
      called.startsWith('kubectl') ? 'kubectl pipewright' : 'pipewright',
    );
    if (called.startsWith('kubectl_complete-')) {
      return (await import('./commands/complete.ts')).complete(argv.slice(2), program, terminal);
    }
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    // Commander has printed its own.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.unable;
    return tell(error, argv, terminal);
  }
}

function tell(error: unknown, argv: readonly string[], terminal: Terminal): ExitCode {
  const { message, code } = error as { message?: string; code?: string };
  const text = message ?? String(error);
  if (asksForJson(argv)) terminal.error(JSON.stringify({ error: text, code: code ?? 'failed' }));
  else terminal.error(`${terminal.errorColors.red('pipewright:')} ${text}`);
  if (process.env.PIPEWRIGHT_DEBUG && error instanceof Error) terminal.error(error.stack ?? '');
  return exitCodeOf(error);
}

/** An API that refuses has looked and said no; one that does not answer could not be asked. */
function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exitCode;
  const { name, status } = error as { name?: string; status?: number | null };
  if (name === 'ApiFailure') return status === null || (status ?? 0) >= 500 ? exitCodes.unable : exitCodes.failed;
  return exitCodes.unable;
}

function asksForJson(argv: readonly string[]): boolean {
  return argv.some(
    (arg, i) =>
      arg === '--output=json' || arg === '-ojson' || (arg === 'json' && /^(-o|--output)$/.test(argv[i - 1] ?? '')),
  );
}
