import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createMirror, type MirrorLimits } from '../../controller/git/mirror.ts';
import type { Remote } from '../../controller/git/remote.ts';
import { startGitServer } from './git-server.ts';
import { createTestRepository } from './repository.ts';

export type Mirrored = Awaited<ReturnType<typeof createMirrored>>;

/** A repository, Git's server over HTTP before it, and a place for mirrors of its path `team`. */
export async function createMirrored(login?: { user: string; password: string }) {
  const repository = await createTestRepository();
  const server = await startGitServer(dirname(repository.dir), login);
  const home = await mkdtemp(join(tmpdir(), 'pipewright-mirror-'));
  const dir = join(home, 'm');
  const path = `/${basename(repository.dir)}/.git`;
  const url = `${server.url}${path}`;
  return {
    repository,
    server,
    home,
    /** Of the mirror. */
    dir,
    url,
    /** Of the URL. */
    path,
    mirrorOf(more: Partial<Remote> = {}, limits?: MirrorLimits) {
      const remote = { url, ref: { branch: 'main' }, path: 'team', ...(login && { token: login }), ...more };
      return createMirror({ dir, remote, ...(limits && { limits }) });
    },
    async close(): Promise<void> {
      await server.stop();
      await repository.remove();
      await rm(home, { recursive: true, force: true });
    },
  };
}
