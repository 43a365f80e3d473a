import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { createTestController } from '../../support/controller-process.ts';
import { createTestRepository } from '../../support/repository.ts';
import type { Gitea } from './gitea.ts';

const run = promisify(execFile);
const hookSecret = 'the secret of the hooks';

export type Status = { status: string; context: string; description: string };

/**
 * A repository on the forge, somebody's clone of it, and a real controller that follows it: the forge tells it of pushes by web hook,
 * and it tells the forge how commits went. It looks by itself only once an hour.
 */
export async function createFollower(gitea: Gitea, options: { name: string; over: 'http' | 'ssh' }) {
  const { name, over } = options;
  const root = await mkdtemp(join(tmpdir(), 'pipewright-follower-'));
  await gitea.createRepository(name);
  const clone = await createTestRepository();
  const key = await deployKey(gitea, root, name);
  const file = join(root, 'sources.yaml');
  await writeFile(file, declaration(gitea, name, over));
  const sources = ['--source', file, '--hooks-port', '0'];
  const controller = await createTestController({ sources, environment: { PIPEWRIGHT_HOOK_SECRET: hookSecret } });
  const secret = { password: gitea.token, identity: key.identity, known_hosts: await gitea.knownHosts() };
  await mkdir(join(controller.home, 'source-secrets', name), { recursive: true });
  for (const [file, value] of Object.entries(secret))
    await writeFile(join(controller.home, 'source-secrets', name, file), value);

  async function send(commit: string, way: 'http' | 'ssh' = 'http'): Promise<void> {
    const login = `http.extraHeader=Authorization: token ${gitea.token}`;
    const [setting, url] =
      way === 'http' ? [login, gitea.httpUrl(name)] : [`core.sshCommand=${key.command}`, gitea.sshUrl(name)];
    await clone.git('-c', setting, 'push', '--quiet', url, `${commit}:refs/heads/main`);
  }

  return {
    clone,
    controller,
    /** Starts the controller, and lets the forge tell it of pushes. */
    async start(): Promise<void> {
      controller.start();
      const told = /http:\/\/127\.0\.0\.1:\d+\/hooks\/git/;
      await expect.poll(() => controller.log(), { timeout: 30_000 }).toMatch(told);
      const config = { url: told.exec(await controller.log())?.[0], content_type: 'json', secret: hookSecret };
      await gitea.api('POST', `/repos/${gitea.owner}/${name}/hooks`, {
        type: 'gitea',
        active: true,
        events: ['push'],
        config,
      });
    },
    /** What is there becomes a commit and goes to the forge. Returns the commit. */
    async push(way: 'http' | 'ssh' = 'http'): Promise<string> {
      const commit = await clone.commit();
      await send(commit, way);
      return commit;
    },
    send,
    /** What the forge shows of a commit. */
    async statuses(commit: string): Promise<Status[]> {
      return gitea.api('GET', `/repos/${gitea.owner}/${name}/commits/${commit}/statuses`);
    },
    async close(): Promise<void> {
      await controller.close();
      await clone.remove();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** A key that may read and write this one repository. */
async function deployKey(gitea: Gitea, root: string, name: string) {
  const path = join(root, 'key');
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  const { stdout: key } = await run('ssh-keygen', ['-y', '-f', path]);
  await gitea.api('POST', `/repos/${gitea.owner}/${name}/keys`, { title: name, key, read_only: false });
  const identity = await readFile(path, 'utf8');
  return { identity, command: `ssh -F none -i ${path} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -q` };
}

function declaration(gitea: Gitea, name: string, over: 'http' | 'ssh'): string {
  const url = over === 'http' ? gitea.httpUrl(name) : gitea.sshUrl(name);
  return `apiVersion: pipewright.dev/v1alpha1
kind: PipelineSource
metadata: { name: ${name} }
spec:
  git:
    url: ${url}
    path: pipelines
    secretRef: { name: ${name} }
    status: { provider: gitea, apiUrl: "${gitea.url}/api/v1" }
  interval: 1h
`;
}

/** Numbers for loads to read, of which the test says when they come. */
export async function startNumbers() {
  const asked = new Map<string, number>();
  const held = new Map<string, () => void>();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (!asked.has(path)) asked.set(path, performance.now());
    const answer = () => response.end('n\n1\n');
    if (path.startsWith('/slow')) held.set(path, answer);
    else answer();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** When a path was first asked for, by `performance.now()`. */
    askedAt: (path: string) => asked.get(path),
    /** Lets what waits for a path below `/slow` go on. */
    release: (path: string) => held.get(path)?.(),
    async stop(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
