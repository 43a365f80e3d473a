import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import type { Logger } from 'pino';
import { createFailpoint } from '../schemas/failpoints.ts';
import { endRunners } from './end-runners.ts';
import type { Executor } from './executors/port.ts';
import { createProcesses } from './executors/processes/executor.ts';
import { folderSecrets, type Secrets } from './git/secrets.ts';
import { onProcesses, type TaskPlace } from './manifests/place.ts';
import { attemptId } from './runs/name.ts';
import type { HasArtifact } from './steps/reruns.ts';
import { expireClaims, readUnsettled } from './store/attempts.ts';
import type { Retention } from './store/retention.ts';
import { createFolderSweep } from './sweep-folders.ts';

const heartbeatMs = 10_000;
const overdueGraceMs = 15_000;

export type ProcessesChoice = {
  readonly kind: 'processes';
  /** Names of environment variables that connections may read, besides `POSTGRES_*`. */
  readonly allowEnv: readonly string[];
  /** How many attempts may run at once. */
  readonly maxProcesses: number;
};

/** Where tasks run, and where what they need lies there. */
export type Place = {
  readonly executor: Executor;
  readonly heartbeatMs: number;
  readonly overdueGraceMs: number;
  /** Those that declarations of sources name. */
  readonly secrets: Secrets;
  /** What a manifest may ask of it. */
  readonly bounds: TaskPlace;
  readonly places: { artifacts(runId: number): string; bundle(digest: string): string };
  /** Whether the rows of a block of a run are still there; absent where the controller can't see that. */
  readonly hasArtifact?: HasArtifact;
  /** Removes what it keeps of runs that ended long ago; absent where it keeps nothing of its own. */
  readonly sweep?: (retention: Retention) => Promise<void>;
  /** Gives up what it holds; runs go on where they can. */
  close(): Promise<void>;
};

/** Tasks as child processes of this machine. The caller holds the home and the store alone. */
export async function openMachine(options: {
  choice: ProcessesChoice;
  home: string;
  /** `POSTGRES_*` of the embedded warehouse. */
  warehouse: Record<string, string>;
  environment: NodeJS.ProcessEnv;
  pool: pg.Pool;
  /** The store ends with the controller, so nobody would take up what still runs. */
  endWithStore: boolean;
  log: Logger;
}): Promise<Place> {
  const { choice, home, warehouse, environment, pool, log } = options;
  const executor = createProcesses({
    home,
    capacity: choice.maxProcesses,
    // A warehouse of one's own is all of one's own: half of it would mix two servers.
    environment: environment.POSTGRES_HOST ? environment : { ...environment, ...warehouse },
    allowEnvironment: createAllowance({ named: choice.allowEnv, ownWarehouse: !environment.POSTGRES_HOST, warehouse }),
    secretsDir: join(home, 'secrets'),
    runner: fileURLToPath(new URL('../runner/main.ts', import.meta.url)),
    heartbeatMs,
    log,
    failpoint: createFailpoint(environment),
  });
  // A controller that died between settling an attempt and its process's end left that process to this one.
  await executor.sweep((await readUnsettled(pool)).map((each) => attemptId(each.runId, each.task, each.number)));
  await expireClaims(pool);
  return {
    executor,
    heartbeatMs,
    overdueGraceMs,
    // Apart from those of connections, which every manifest may name.
    secrets: folderSecrets(join(home, 'source-secrets')),
    bounds: onProcesses,
    places: {
      artifacts: (runId) => join(home, 'artifacts', String(runId)),
      bundle: (digest) => join(home, 'bundles', `${digest}.json`),
    },
    hasArtifact: async (runId, block) => existsSync(join(home, 'artifacts', String(runId), `${block}.parquet`)),
    sweep: createFolderSweep({ home, pool }),
    close: async () => {
      if (options.endWithStore) await endRunners({ pool, executor });
      await executor.close?.();
    },
  };
}

/**
 * Which variables of the controller connections may read. Who writes to a repository could send what they read to a server of their choice,
 * so a repository gets what was named for it, and the warehouse that the controller has made.
 */
export function createAllowance(options: {
  readonly named: readonly string[];
  readonly ownWarehouse: boolean;
  readonly warehouse: Readonly<Record<string, string>>;
}): (name: string, fromFolder: boolean) => boolean {
  const { named, ownWarehouse, warehouse } = options;
  return (name, fromFolder) =>
    named.includes(name) ||
    (fromFolder ? name.startsWith('POSTGRES_') : ownWarehouse && Object.hasOwn(warehouse, name));
}
