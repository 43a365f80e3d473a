import type pg from 'pg';
import type { Logger } from 'pino';
import type { Failpoint } from '../../schemas/failpoints.ts';
import { ForgeError, isPassing } from '../forges/forge.ts';
import { repositoryOf } from '../forges/place.ts';
import { setStatus } from '../forges/status.ts';
import type { Source } from '../git/source.ts';
import { claimStatuses, nextStatusIn, type StatusRow, settleStatus } from '../store/commit-statuses.ts';
import { createEffects } from './effects.ts';
import { done, type Step } from './step.ts';

const everyMs = 60_000;
const atOnce = 16;
/** Longer than a call may take. A status that could not be told waits so long at first, and then twice as long each time. */
const claimMs = 30_000;
const giveUpMs = 24 * 3_600_000;
/** For those that are under way; what hangs does not hold up what comes meanwhile. */
const patienceMs = 500;

export type AnnounceOptions = {
  readonly pool: pg.Pool;
  /** Those that this process knows now. */
  readonly sources: () => readonly Source[];
  readonly failpoint: Failpoint;
  readonly log: Logger;
};

/** Statuses of commits that nobody has told yet → the forges know them. At least once, which is as good as once. */
export function createAnnounce(options: AnnounceOptions): Step {
  const { pool, log } = options;
  const effects = createEffects();
  return {
    name: 'announce',
    everyMs,
    async pass(signal) {
      const telling = new Map(options.sources().flatMap((source) => (source.status ? [[source.name, source]] : [])));
      const sources = [...telling.keys()];
      const most = atOnce - effects.count();
      const claim = { sources, most, claimMs, giveUpMs };
      const rows = sources.length === 0 || most === 0 ? [] : await claimStatuses(pool, claim);
      for (const row of rows) {
        const source = telling.get(row.source) as Source;
        effects.begin(
          tell({ ...options, log: log.child({ source: row.source, commit: row.commit }) }, source, row, signal),
        );
      }
      await effects.wait(patienceMs);
      if (rows.length > 0 || effects.count() > 0) return done(patienceMs);
      return done(sources.length === 0 ? null : await nextStatusIn(pool, sources));
    },
    finish: effects.finish,
  };
}

/** The claim is the wait for the next try, so a crash or a failure leaves nothing to be written. */
async function tell(
  { pool, failpoint, log }: AnnounceOptions,
  source: Source,
  row: StatusRow,
  signal: AbortSignal,
): Promise<void> {
  failpoint('announce.before-effect');
  const error = await send(source, row, signal).then(
    () => null,
    (failure: Error) => failure,
  );
  if (signal.aborted) return;
  failpoint('announce.after-effect');
  if (error === null) log.info({ state: row.state }, 'commit status told');
  else if (!isPassing(error)) log.error(`the status of the commit was refused and is given up: ${error.message}`);
  else if (row.old) log.error(`the status of the commit could not be told for a day and is given up: ${error.message}`);
  else {
    // Once: each further try would say the same.
    if (row.tries === 1)
      log.warn(`the status of the commit could not be told, it will be tried again: ${error.message}`);
    return;
  }
  await settleStatus(pool, row);
}

async function send({ name, location, status }: Source, row: StatusRow, signal: AbortSignal): Promise<void> {
  if (!status) throw new ForgeError(null, `source "${name}" names no forge any more; its statuses are not told`);
  const { proxy, ...access } = await status.access(signal);
  const proxyEnv = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  const forge = { ...repositoryOf(location, status.provider, status.apiUrl), ...access, ...(proxy && { proxyEnv }) };
  const { commit, state, description } = row;
  await setStatus(forge, { commit, state, description, context: `pipewright/${name}` }, signal);
}
