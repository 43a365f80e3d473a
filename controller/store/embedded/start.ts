import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import type { Logger } from 'pino';
import { checkAccess, chooseAccount } from './account.ts';
import { findBinaries } from './binaries.ts';
import { checkCluster } from './check.ts';
import { initialise } from './initialise.ts';
import { keepRunning } from './keep-running.ts';
import { launch } from './launch.ts';
import { isNoSpace, type Layout, layoutOf, noSpaceError } from './layout.ts';
import { boundLog } from './log-file.ts';
import { run } from './run.ts';
import { readSettings, urlOf, warehouseEnvironment, writeWarehouseEnv } from './settings.ts';
import { checkSpace } from './space.ts';
import { stopServer } from './stop.ts';

const boundLogEveryMs = 600_000;

export type Embedded = {
  /** The store, as superuser. */
  readonly url: string;
  /** `POSTGRES_*` of the warehouse: a database of its own, whose role cannot connect to the store. */
  readonly warehouse: Record<string, string>;
  /** Ends the server, and resolves when it has ended. */
  stop(): Promise<void>;
};

/**
 * Postgres under `<home>/postgres`, made at the first start, on 127.0.0.1 only. A server that a killed controller left
 * running is taken over. Throws one sentence with the way out. The caller holds the home, so nobody else does this at once.
 */
export async function startEmbedded(options: { home: string; log: Logger }): Promise<Embedded> {
  const layout = layoutOf(await realpath(options.home));
  try {
    return await start(layout, options.log);
  } catch (error) {
    throw isNoSpace(error) ? noSpaceError(layout) : error;
  }
}

async function start(layout: Layout, log: Logger): Promise<Embedded> {
  const account = chooseAccount(layout.folder);
  const binaries = findBinaries();
  checkAccess(account, layout, binaries.postgres);
  if (!existsSync(layout.folder)) {
    log.info({ folder: layout.folder }, 'setting up embedded Postgres');
    await initialise({ layout, account, binaries });
  }
  await checkCluster(layout);
  await checkSpace(layout, 'start');
  await boundLog(layout.log);
  const launchOn = (port: number) => launch({ layout, account, program: binaries.postgres, port, log });
  const { postmaster, settings } = await run({ layout, settings: await readSettings(layout), launchOn, log });
  await writeWarehouseEnv(layout, settings).catch(async (error) => {
    await stopServer({ identity: postmaster.identity, log });
    throw error;
  });
  const kept = keepRunning({ identity: postmaster.identity, relaunch: () => launchOn(settings.port), log });
  const bounding = setInterval(() => void boundLog(layout.log).catch(() => {}), boundLogEveryMs).unref();
  return {
    url: urlOf(settings),
    warehouse: warehouseEnvironment(settings),
    async stop() {
      clearInterval(bounding);
      await stopServer({ identity: await kept.end(), log });
    },
  };
}
