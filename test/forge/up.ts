/**
 * `node test/forge/up.ts [--build]`: a Gitea for use by hand. Prints its address and a token, and removes it at the end of its input or
 * at Ctrl-C. `--build` only builds it.
 */
import { once } from 'node:events';
import { findGitea, startGitea } from './support/gitea.ts';

if (process.argv.includes('--build')) {
  await findGitea();
  process.exit();
}
const { url, owner, token, stop } = await startGitea();
process.stdout.write(`${url} user ${owner}, token ${token}\n`);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process.stdin.resume(), 'end')]);
await stop();
process.exit();
