import { globSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const suites = ['test/**/*.test.ts'];
const bench = 'test/bench/**';
/** A machine has one node for tests: these files come last and one after the other, since any other one would only wait. */
const onNode = globSync('test/cluster/**/*.test.ts').filter((path) =>
  /startCluster|createGround/.test(readFileSync(path, 'utf8')),
);

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    // Tests start processes, hold locks and send signals: each file gets a process of its own.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    projects: [
      // Many files start Postgres, DuckDB or a controller; more at once than two only makes them slower.
      {
        extends: true,
        test: { name: 'all', include: suites, exclude: [bench, ...onNode], maxWorkers: 2 },
      },
      {
        extends: true,
        test: { name: 'on a node', include: onNode, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
