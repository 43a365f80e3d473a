/** Git needs no configuration of anybody's, and obeys none: no prompts, no replaced objects, and it asks nobody on the network. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '',
  // For libcurl, which would read `.netrc` there.
  HOME: '/dev/null',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  // What a mirror lacks would otherwise be fetched in passing, without a limit of time or size.
  GIT_ALLOW_PROTOCOL: '',
};

/** For calls that are meant to ask a remote. */
export const remoteEnvironment = { GIT_ALLOW_PROTOCOL: 'https:http:ssh:file' };

/** For `git -c`. A repository is only read, so its owner does not matter. */
export const gitConfig = ['safe.directory=*', 'core.hooksPath=/dev/null'];

/** Settings of one call, kept out of the arguments that everybody on the machine can read. */
export function configEnvironment(settings: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(settings);
  const pairs = entries.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(entries.length), ...Object.fromEntries(pairs) };
}
