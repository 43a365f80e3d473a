import { type Command, Option } from 'commander';
import { SecretError, type Secrets } from '../controller/git/secrets.ts';
import type { Given } from '../controller/git/sources.ts';
import { isSshUrl } from '../schemas/source-declarations.ts';
import { CommandError, exitCodes } from './exit.ts';
import { collect, envOption, integer } from './options.ts';

type GitOptions = {
  readonly git?: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly path?: string;
  readonly poll: number;
  readonly hooksPort?: number;
  readonly hooksHost: string;
};

export type SourceOptions = GitOptions & {
  readonly dir?: string;
  readonly at?: 'workingTree' | 'head';
  /** Files with declarations. */
  readonly source: readonly string[];
  /** The environment of the source `local`. */
  readonly env?: string;
};

export const defaultDir = 'pipelines';

/** Where `start` gets manifests from. */
export function addSourceOptions(command: Command): Command {
  command
    .option('--dir <dir>', `folder with manifests; by default ${defaultDir}`)
    .addOption(
      new Option(
        '--at <state>',
        'of the folder: its files as they are, or as the commit that HEAD names has them',
      ).choices(['workingTree', 'head']),
    )
    .option(
      '--source <file>',
      'file that declares sources (PipelineSource); may be repeated, and stand beside --dir or --git',
      collect,
      [],
    )
    .addOption(
      envOption('environment of --dir or --git whose overlay applies: the folder environments/NAME of the source'),
    );
  return addGitOptions(command);
}

function addGitOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--git <url>',
        'repository with the manifests, instead of a folder; user and token from PIPEWRIGHT_GIT_USER and PIPEWRIGHT_GIT_TOKEN',
      ),
    )
    .addOption(
      new Option('--branch <name>', 'with --git: branch to follow; by default main').conflicts(['tag', 'commit']),
    )
    .addOption(new Option('--tag <name>', 'with --git: tag to follow').conflicts(['commit']))
    .option('--commit <sha>', 'with --git: the one commit, in all its digits')
    .option('--path <folder>', 'with --git: folder with manifests in it; by default pipelines')
    .option('--poll <seconds>', 'with --git: how often to look for a new commit', integer(1, 86_400), 60)
    .option(
      '--hooks-port <port>',
      'port on which a forge tells of pushes, with the secret from PIPEWRIGHT_HOOK_SECRET',
      integer(0, 65_535),
    )
    .option('--hooks-host <address>', 'address of that port', '127.0.0.1');
}

/** The source `local`, of `--git` and what belongs to it; undefined without it. */
export function gitOf(options: GitOptions, environment: NodeJS.ProcessEnv): Given | undefined {
  const { git: url, branch = 'main', tag, commit, path = 'pipelines', poll } = options;
  if (url === undefined) {
    const stray = (['branch', 'tag', 'commit', 'path'] as const).find((name) => options[name] !== undefined);
    if (stray) throw unable(`--${stray} belongs to --git, which says where the repository is; add it`);
    return undefined;
  }
  const hasToken = environment.PIPEWRIGHT_GIT_TOKEN !== undefined && /^https?:/.test(url);
  const git = {
    url: checked(url),
    ref: commit !== undefined ? { commit } : tag !== undefined ? { tag } : { branch },
    path,
    ...(hasToken && { secretRef: { name: environmentSecret } }),
  };
  return {
    declaration: { name: 'local', spec: { git }, everyMs: poll * 1_000 },
    secrets: environmentSecrets(environment),
  };
}

const environmentSecret = 'PIPEWRIGHT_GIT_TOKEN';

/** The one secret that flags can name. */
function environmentSecrets({ PIPEWRIGHT_GIT_USER, PIPEWRIGHT_GIT_TOKEN }: NodeJS.ProcessEnv): Secrets {
  return {
    async read(name) {
      if (name !== environmentSecret) throw new SecretError(`there is no secret "${name}"; set PIPEWRIGHT_GIT_TOKEN`);
      return new Map([
        ['username', PIPEWRIGHT_GIT_USER ?? 'git'],
        ['password', PIPEWRIGHT_GIT_TOKEN ?? ''],
      ]);
    },
  };
}

const shortestSecret = 16;

/** Undefined without `--hooks-port`. */
export function hooksOf({ hooksPort: port, hooksHost: host }: GitOptions, environment: NodeJS.ProcessEnv) {
  if (port === undefined) return undefined;
  const { PIPEWRIGHT_HOOK_SECRET: secret = '' } = environment;
  if (secret.length >= shortestSecret) return { host, port, secret };
  throw unable(
    `--hooks-port needs a secret of ${shortestSecret} characters or more in PIPEWRIGHT_HOOK_SECRET; set it, and give it to the forge`,
  );
}

/** Everybody on the machine can read the arguments of a program. */
function checked(url: string): string {
  if (/^[a-z+]+:\/\/[^/@]*:[^/@]*@/i.test(url)) {
    throw unable(
      '--git has a password in its URL, which everybody on this machine can read; put it in PIPEWRIGHT_GIT_TOKEN',
    );
  }
  if (/^(https?|file):\/\/./.test(url) || /^[/.]/.test(url)) return url;
  if (isSshUrl(url)) {
    throw unable(
      `--git is "${url}", and ssh needs a key and the server's own; declare the source with a secretRef in a file of --source`,
    );
  }
  throw unable(`--git is "${url}", which is no URL of a repository; write https://…, file://… or a path`);
}

function unable(message: string): CommandError {
  return new CommandError(exitCodes.unable, 'bad-source', message);
}
