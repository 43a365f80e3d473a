import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestRepository } from '../../support/repository.ts';
import { startSshServer } from '../../support/ssh-server.ts';
import type { Cluster } from './cluster.ts';
import { reachable } from './release.ts';

/**
 * A repository that pods reach by ssh, with a commit that is signed, and the secrets to read it: a file with the chart's values of a
 * source that does. `scratch` is a folder for keys.
 */
export async function giveSignedRepository(cluster: Cluster, scratch: string, files: Record<string, string>) {
  const repository = await createTestRepository();
  const folder = join(scratch, 'ssh');
  await mkdir(folder);
  const server = await startSshServer(folder, reachable);
  const signer = await server.makeKey('signer');
  await repository.write(files);
  for (const [name, value] of Object.entries({
    'gpg.format': 'ssh',
    'user.signingkey': signer.file,
    'commit.gpgsign': 'true',
  }))
    await repository.git('config', name, value);
  await repository.commit();
  await makeSecret(cluster, 'team-a-git', { identity: server.identity, known_hosts: server.knownHosts });
  const signers = `ada@example.org namespaces="git" ${signer.line}\n`;
  await makeSecret(cluster, 'team-a-signers', { allowed_signers: signers });
  const verify = { mode: 'commit', signersRef: { name: 'team-a-signers' } };
  const git = { url: server.url(repository.dir), path: 'pipelines', secretRef: { name: 'team-a-git' }, verify };
  const values = join(scratch, 'sources.json');
  await writeFile(values, JSON.stringify({ sources: [{ name: 'team-a', git, interval: '5s' }] }));
  return {
    values,
    async remove(): Promise<void> {
      server.stop();
      await repository.remove();
    },
  };
}

async function makeSecret(cluster: Cluster, name: string, stringData: Record<string, string>): Promise<void> {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'pipewright' }, stringData };
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify(secret));
}
