import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { secretVariable } from '../../../schemas/secrets.ts';
import type { LaunchInput } from '../port.ts';

export type EnvironmentOptions = {
  /** The controller's own. */
  readonly environment: NodeJS.ProcessEnv;
  /** Whether a pipeline may read this variable of the controller; `fromFolder` as the port has it. */
  readonly allowEnvironment: (name: string, fromFolder: boolean) => boolean;
  /** `NAME/KEY` below it holds a secret. */
  readonly secretsDir: string;
};

const passedOn = ['PATH', 'LANG', 'NODE_EXTRA_CA_CERTS', 'PIPEWRIGHT_FAILPOINT', 'PIPEWRIGHT_FAILPOINT_ONCE'];

/**
 * All that a runner gets: what its connections name, and what any program needs. A variable that is not allowed or not set,
 * and a secret that is neither in `<home>/secrets/NAME/KEY` nor in the environment, is left out: the runner says so when it needs it.
 */
export async function runnerEnvironment(
  wanted: Pick<LaunchInput, 'environment' | 'secrets' | 'fromFolder'> & { readonly scratch: string },
  { environment, allowEnvironment, secretsDir }: EnvironmentOptions,
): Promise<NodeJS.ProcessEnv> {
  const result: NodeJS.ProcessEnv = {};
  const copy = (name: string) => {
    if (environment[name] !== undefined) result[name] = environment[name];
  };
  wanted.environment.filter((name) => allowEnvironment(name, wanted.fromFolder === true)).forEach(copy);
  passedOn.forEach(copy);
  for (const secret of wanted.secrets) {
    const variable = secretVariable(secret);
    const value = (await readSecret(secretsDir, secret)) ?? environment[variable];
    if (value !== undefined) result[variable] = value;
  }
  // DuckDB's queries occupy threads of this pool; with the usual four, file access would starve.
  return { ...result, HOME: wanted.scratch, TZ: 'UTC', UV_THREADPOOL_SIZE: '16' };
}

/** The same for two runners' environments exactly when they differ in nothing but the attempt's own folder. */
export function environmentKey({ HOME: _ofTheAttempt, ...rest }: NodeJS.ProcessEnv): string {
  const entries = Object.entries(rest).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}

/** One line break at the end is the editor's, not the secret's. */
async function readSecret(secretsDir: string, { name, key }: { name: string; key: string }): Promise<string | null> {
  if (![name, key].every(isFileName)) return null;
  try {
    return (await readFile(join(secretsDir, name, key), 'utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Error(
      `secret "${name}": its key "${key}" cannot be read (${(error as Error).message}); mend the file's permissions`,
    );
  }
}

function isFileName(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !/[/\\\0]/.test(text);
}
