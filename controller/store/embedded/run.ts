import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from 'pino';
import type { launch } from './launch.ts';
import { embeddedError, isNoSpace, type Layout, noSpaceError, notInstalledError } from './layout.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';
import { freePort, type Settings, urlOf, writeSettings } from './settings.ts';

const attempts = 20;
const betweenAttemptsMs = 250;
const lookMs = 10;

export type Running = { readonly postmaster: Postmaster; readonly settings: Settings };
export type RunOptions = {
  layout: Layout;
  settings: Settings;
  launchOn: (port: number) => ReturnType<typeof launch>;
  log: Logger;
};

/** Takes over the server that is there, or starts one; tried for a while, because either can end or appear meanwhile. */
export async function run({ layout, settings, launchOn, log }: RunOptions): Promise<Running> {
  let current = settings;
  let problem = new Error();
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const found = await readyPostmaster(layout);
    if (found) {
      const adopted = await adopt(layout, current, found);
      if (!(adopted instanceof Error)) {
        log.info({ pid: adopted.postmaster.identity.pid }, 'took over the embedded Postgres that was running');
        return adopted;
      }
      problem = adopted;
      await delay(betweenAttemptsMs);
      continue;
    }
    const launched = await launchOn(current.port);
    if ('postmaster' in launched) return { postmaster: launched.postmaster, settings: current };
    problem = explain(layout, launched.failure);
    const next = whatNext(launched.failure);
    if (next === 'give up') break;
    if (next === 'wait') await delay(betweenAttemptsMs);
    if (next === 'another port') {
      current = { ...current, port: await freePort() };
      await writeSettings(layout, current);
    }
  }
  throw problem;
}

/** The server that runs already, once it has started; null when there is none, or it has ended. */
async function readyPostmaster(layout: Layout): Promise<Postmaster | null> {
  for (;;) {
    const found = findPostmaster(layout);
    if (found === null || found.status === 'ready') return found;
    await delay(lookMs);
  }
}

/** An error when it does not let us in: it is about to end, or not ours. */
async function adopt(layout: Layout, settings: Settings, postmaster: Postmaster): Promise<Running | Error> {
  const actual = { ...settings, port: postmaster.port };
  const client = new pg.Client({ connectionString: urlOf(actual), connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('show data_directory');
    if (rows[0].data_directory !== layout.data) throw new Error(`its data lies in "${rows[0].data_directory}"`);
  } catch (error) {
    const { pid } = postmaster.identity;
    return embeddedError(
      `process ${pid} runs a Postgres on "${layout.data}", which does not let Pipewright in (${(error as Error).message})`,
      `end it (kill ${pid}) and start again`,
      error,
    );
  } finally {
    await client.end().catch(() => {});
  }
  if (actual.port !== settings.port) await writeSettings(layout, actual);
  return { postmaster, settings: actual };
}

function whatNext(failure: string): 'another port' | 'wait' | 'give up' {
  if (/could not create any TCP\/IP sockets/.test(failure)) return 'another port';
  // Another server appears, or processes of one that was killed are still ending.
  if (/lock file "postmaster.pid" already exists|pre-existing shared memory block/.test(failure)) return 'wait';
  return 'give up';
}

function explain(layout: Layout, failure: string): Error {
  if (isNoSpace({ message: failure })) return noSpaceError(layout);
  const notInstalled = notInstalledError(failure);
  if (notInstalled) return notInstalled;
  const message = failure.match(/(?:FATAL|PANIC): +(.*)/g)?.at(-1) ?? failure.trim().split('\n').at(-1) ?? '';
  return embeddedError(
    `it did not start (${message}; more in "${layout.log}")`,
    `if its folder is damaged, restore "${layout.folder}" from a backup or move it away to begin anew`,
  );
}
