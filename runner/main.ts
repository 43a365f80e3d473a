import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { createFailpoint } from '../schemas/failpoints.ts';
import { openAttempt } from './attempt.ts';

/**
 * `node runner/main.ts <attempt folder>`: runs that attempt, and, started with a channel to a controller, those that come over it.
 * Exits with 0 when its last report is written, or an attempt is not ours to run.
 */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('the folder of an attempt is missing; give it as the only argument');

const attempt = openAttempt(folder);
const failpoint = createFailpoint(process.env);
failpoint('runner.before-started');
// An attempt runs at most once. From here on it is begun, whatever becomes of this process: so before anything else is loaded.
if (attempt.begin()) {
  failpoint('runner.after-started');
  enableCompileCache(join(folder, '../../compile-cache'));
  const { runAttempts } = await import('./run-attempts.ts');
  await runAttempts(attempt, failpoint);
}
