import { type Command, Option } from 'commander';
import type { Remote } from '../controller/git/mirror.ts';
import { CommandError, exitCodes } from './exit.ts';
import { integer } from './options.ts';

export type GitOptions = {
  readonly git?: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly path?: string;
  readonly poll: number;
  readonly hooksPort?: number;
  readonly hooksHost: string;
};

/** Where `start` gets manifests from when not from a folder. */
export function addGitOptions(command: Command): Command {
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

/** Undefined without `--git`. */
export function gitOf(options: GitOptions, environment: NodeJS.ProcessEnv) {
  const { git: url, branch = 'main', tag, commit, path = 'pipelines', poll } = options;
  if (url === undefined) {
    const stray = (['branch', 'tag', 'commit', 'path'] as const).find((name) => options[name] !== undefined);
    if (stray) throw unable(`--${stray} belongs to --git, which says where the repository is; add it`);
    return undefined;
  }
  const { PIPEWRIGHT_GIT_USER: user = 'git', PIPEWRIGHT_GIT_TOKEN: password } = environment;
  const remote: Remote = {
    url: checked(url),
    ref: commit !== undefined ? { commit } : tag !== undefined ? { tag } : { branch },
    path: path.replace(/^\.?\/|\/$/g, '').replace(/^\.$/, ''),
    ...(password !== undefined && { token: { user, password } }),
  };
  return { remote, everyMs: poll * 1_000 };
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
  if (/^(https?|ssh|file):\/\/./.test(url) || /^[/.]/.test(url)) return url;
  throw unable(`--git is "${url}", which is no URL of a repository; write https://…, ssh://… or a path`);
}

function unable(message: string): CommandError {
  return new CommandError(exitCodes.unable, 'bad-source', message);
}
