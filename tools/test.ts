/**
 * `npm test`: the checks of `npm run check`, then every suite. Its last line is `N passed, N failed[, N skipped]`, where a check
 * counts as one test, and it exits 1 when anything failed or nothing ran. With arguments (`npm test -- test/unit/windows`)
 * it runs only the suites whose path contains one of them. Where CI is set, a skipped test is a failure.
 */
import { spawn } from 'node:child_process';
import { startVitest } from 'vitest/node';
import { checks, runChecks } from './checks.ts';
import { createTally } from './tally.ts';

const filters = process.argv.slice(2);
const tally = createTally();

if (filters.length === 0) {
  buildAhead();
  tally.add(await runChecks(checks));
}
try {
  await startVitest('test', filters, { watch: false, reporters: ['default', tally.reporter] });
} catch (error) {
  tally.fail(`vitest could not run: ${error instanceof Error ? error.stack : error}`);
}
if (process.env.CI) tally.refuseSkipped();
// Vitest also sets the exit code for what no test stands for, such as a set-up that failed or coverage that is too low.
const { line, failed } = tally.close(Number(process.exitCode ?? 0) !== 0);
console.log(line);
process.exit(failed > 0 ? 1 : 0);

/** On a new machine the cluster and the forge of the tests take minutes to build: that begins beside the suites which do not need them. */
function buildAhead(): void {
  // The first test that needs it says what is wrong.
  spawn(process.execPath, ['test/cluster/up.ts', '--build'], { stdio: 'ignore' }).unref();
  spawn(process.execPath, ['test/forge/up.ts', '--build'], { stdio: 'ignore' }).unref();
}
