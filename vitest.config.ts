import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const inCluster = globSync('test/cluster/**/*.test.ts');
/** A machine has one node for tests: these files come last and one after the other, since any other one would only wait. */
const onNode = inCluster.filter((path) => /startCluster|createGround/.test(readFileSync(path, 'utf8')));
const onControlPlane = inCluster.filter((path) => !onNode.includes(path));

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // Tests start processes, hold locks and send signals: each file gets a process of its own.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    // What is awaited comes when it comes: on a busy machine that is no fault.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      // Many files start Postgres, DuckDB or a controller; more at once than two only makes them slower.
      project(
        {
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', 'test/cluster/**', 'test/forge/**'],
          maxWorkers: 2,
        },
        0,
      ),
      project({ name: 'on a forge', include: ['test/forge/**/*.test.ts'], maxWorkers: 2 }, 1),
      project({ name: 'in a cluster', include: onControlPlane, maxWorkers: 2 }, 1),
      project({ name: 'on a node', include: onNode, maxWorkers: 1 }, 2),
    ],
  },
});

/** One group of files after the other: the first needs neither cluster nor forge, whose binaries may still be built. */
function project(
  test: { name: string; include: string[]; exclude?: string[]; maxWorkers: number },
  groupOrder: number,
) {
  return { extends: true as const, test: { ...test, sequence: { groupOrder } } };
}
