import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
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
    /**
     * As many commits on top of `main`, each with these files beside those that are there; none is written to the folder. `isNoise`: files
     * that nobody could compress.
     */
    async commitMany(
      commits: Iterable<Iterable<readonly [path: string, content: string | Buffer]>>,
      { isNoise = false } = {},
    ): Promise<string[]> {
      const before = await git('rev-parse', '--verify', '--quiet', 'main').catch(() => '');
      const child = spawn(
        'git',
        [...(isNoise ? ['-c', 'core.compression=0'] : []), 'fast-import', '--quiet', '--depth=0'],
        {
          cwd: dir,
          stdio: ['pipe', 'ignore', 'inherit'],
        },
      );
      await pipeline(fastImport(commits, before), child.stdin);
      if (child.exitCode === null) await once(child, 'exit');
      if (child.exitCode !== 0) throw new Error(`git fast-import ended with ${child.exitCode}`);
      return (await git('rev-list', '--reverse', before === '' ? 'main' : `${before}..main`)).split('\n');
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

/** What `git fast-import` reads. */
function* fastImport(
  commits: Iterable<Iterable<readonly [path: string, content: string | Buffer]>>,
  before: string,
): Iterable<string | Buffer> {
  let parent = before;
  for (const files of commits) {
    yield 'commit refs/heads/main\ncommitter Ada <ada@example.org> 1767225600 +0000\ndata 6\nchange\n';
    if (parent !== '') yield `from ${parent}\n`;
    parent = 'refs/heads/main^0';
    for (const [path, content] of files) {
      yield `M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n`;
      yield content;
      yield '\n';
    }
  }
}
