import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a declaration names: `read` gives the secret's values by key. It is asked at every look, so that a new value counts at once. */
export interface Secrets {
  /** Throws a SecretError where there is no such secret, or it cannot be read. */
  read(name: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
}

/** A secret is not there, or lacks a key. The message is one sentence without any value. */
export class SecretError extends Error {
  override readonly name = 'SecretError';
}

/** On one machine: a folder for each secret in `dir`, with a file for each key. */
export function folderSecrets(dir: string): Secrets {
  return {
    async read(name) {
      try {
        const files = await readdir(join(dir, name), { withFileTypes: true });
        const keys = files.filter((each) => !each.isDirectory() && !each.name.startsWith('.'));
        return new Map(
          await Promise.all(
            keys.map(async ({ name: key }) => [key, await readFile(join(dir, name, key), 'utf8')] as const),
          ),
        );
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const fact = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`;
        throw new SecretError(
          `secret "${name}" ${fact}; make the folder source-secrets/${name} in the home, with a file for each key`,
          { cause: error },
        );
      }
    },
  };
}

/** A credential that a person wrote into a file mostly ends in a newline, which is none of it. */
export function secretText(secret: ReadonlyMap<string, string>, key: string): string | undefined {
  return secret.get(key)?.replace(/\r?\n$/, '');
}
