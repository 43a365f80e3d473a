import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const identity = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

export type TestRepository = Awaited<ReturnType<typeof createTestRepository>>;

/** A Git repository of its own in a temporary folder, on branch `main`. */
export async function createTestRepository() {
  const dir = await mkdtemp(join(tmpdir(), 'pipewright-repository-'));
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('git', args, { cwd: dir, env: { ...process.env, ...identity } });
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  return {
    dir,
    git,
    async write(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(dir, path)), { recursive: true });
        await writeFile(join(dir, path), content);
      }
    },
    link: (target: string, path: string) => symlink(target, join(dir, path)),
    /** All that is there, and returns the commit. */
    async commit(message = 'change'): Promise<string> {
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
