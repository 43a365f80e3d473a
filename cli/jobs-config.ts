import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import contracts from '../schemas/generated/contracts.schema.json' with { type: 'json' };
import type { JobsConfig } from '../schemas/generated/types.ts';
import { CommandError, exitCodes } from './exit.ts';

/** Reads the file of `start --jobs`. Throws a CommandError that names the field when it is not what it should be. */
export async function readJobsConfig(path: string): Promise<JobsConfig> {
  const value = await readYaml(path);
  const ajv = new Ajv2020({ strict: false });
  const validate = ajv.addSchema(contracts, 'contracts').getSchema('contracts#/$defs/JobsConfig');
  if (validate?.(value)) return checked(value as JobsConfig, path);
  const [error] = validate?.errors ?? [];
  const field = error?.instancePath.slice(1).replaceAll('/', '.') || 'the whole';
  const named = (error?.params as { additionalProperty?: string } | undefined)?.additionalProperty;
  const fact = `${error?.message ?? 'is not right'}${named === undefined ? '' : ` ("${named}")`}`;
  throw new CommandError(
    exitCodes.unable,
    'bad-jobs-config',
    `--jobs ${path}: ${field} ${fact}; docs/kubernetes.md names every field`,
  );
}

/** Whoever may make Jobs in a namespace can read all its secrets, and those of the controller are in its own. */
function checked(config: JobsConfig, path: string): JobsConfig {
  if (!config.policy?.namespaces?.includes(config.resources)) return config;
  const fact = `policy.namespaces has "${config.resources}", which is the controller’s own`;
  throw new CommandError(
    exitCodes.unable,
    'bad-jobs-config',
    `--jobs ${path}: ${fact}; Jobs never run there, remove it`,
  );
}

async function readYaml(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new CommandError(
      exitCodes.unable,
      'unreadable',
      `--jobs ${path}: it cannot be read (${(error as Error).message})`,
    );
  }
}
