import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompiledPipeline } from '../../schemas/generated/types.ts';
import { secretVariable } from '../../schemas/secrets.ts';
import { CommandError, exitCodes } from '../exit.ts';

export type Environment = Record<string, string | undefined>;

/**
 * What the pipeline's connections read, as `start` would give it: variables of this shell, the secrets of the home, and,
 * unless POSTGRES_HOST names another, the Postgres that `start` brings.
 */
export async function localEnvironment(
  { environment: names, secrets }: Pick<CompiledPipeline, 'environment' | 'secrets'>,
  home: string,
  shell: Environment,
): Promise<Environment> {
  const wantsPostgres = names.some((name) => name.startsWith('POSTGRES_'));
  const warehouse = wantsPostgres && shell.POSTGRES_HOST === undefined ? await readWarehouse(home) : {};
  const environment: Environment = {};
  for (const name of names) environment[name] = warehouse[name] ?? shell[name];
  for (const secret of secrets) {
    const variable = secretVariable(secret);
    environment[variable] =
      (await readIfThere(join(home, 'secrets', secret.name, secret.key)))?.replace(/\r?\n$/, '') ?? shell[variable];
  }
  return environment;
}

async function readWarehouse(home: string): Promise<Environment> {
  const path = join(home, 'warehouse.json');
  const text = await readIfThere(path);
  if (text === null) return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError(exitCodes.unable, 'bad-home', `${path} is broken; \`pipewright start\` writes it anew`);
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new CommandError(exitCodes.unable, 'unreadable', `${path} cannot be read (${message}); mend its permissions`);
  }
}
