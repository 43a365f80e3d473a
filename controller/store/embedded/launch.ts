import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Account } from './account.ts';
import type { Layout } from './layout.ts';
import { logSize, readLogFrom } from './log-file.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';

const pollMs = 10;
const patienceMs = 5_000;

/** Given on the command line and not in the folder, so that a newer Pipewright brings its own. */
const parameters = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  // Nobody replicates it, and a bulk load into a new table need not be written twice.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Statements of pipelines may hold data and secrets.
  log_min_error_statement: 'panic',
};

export type Launched = { readonly postmaster: Postmaster } | { readonly failure: string };
export type LaunchOptions = { layout: Layout; account: Account; program: string; port: number; log: Logger };

/** Starts the server and waits until it accepts connections, however long its recovery takes, or has ended. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { layout, log } = options;
  const offset = await logSize(layout.log);
  const child = start(options);
  const end = new AbortController();
  child.once('error', (error) => end.abort(error.message));
  child.once('exit', (code, signal) => end.abort(`it ended with ${signal ?? `exit code ${code}`}`));
  child.unref();
  const patience = setTimeout(
    () => log.warn({ file: layout.log }, 'embedded Postgres is still starting: it may be recovering'),
    patienceMs,
  );
  try {
    while (!end.signal.aborted) {
      const postmaster = findPostmaster(layout);
      if (postmaster?.identity.pid === child.pid && postmaster?.status === 'ready') return { postmaster };
      await delay(pollMs, undefined, { signal: end.signal }).catch(() => {});
    }
    return { failure: `${await readLogFrom(layout.log, offset)}${end.signal.reason}` };
  } finally {
    clearTimeout(patience);
  }
}

function start({ layout, account, program, port }: LaunchOptions): ChildProcess {
  const values = Object.entries({ ...parameters, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openSync(layout.log, 'a', 0o600);
  try {
    return spawn(program, ['-D', layout.data, ...values], {
      ...(account && { uid: account.uid, gid: account.gid }),
      cwd: layout.folder,
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
      // A session of its own: a Ctrl-C on the terminal must not reach it before the controller is done with it.
      detached: true,
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}
