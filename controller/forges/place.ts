import { ForgeError, type Provider, type Repository } from './forge.ts';

const apiPath: Readonly<Record<Provider, string>> = { github: '/api/v3', gitlab: '/api/v4', gitea: '/api/v1' };

/**
 * The repository that Git knows by this URL (`https://…`, `ssh://…` or `git@host:path`). Without `apiUrl` the API is where the
 * provider has it by default. Throws a ForgeError.
 */
export function repositoryOf(gitUrl: string, provider: Provider, apiUrl?: string): Repository {
  const url = URL.parse(gitUrl.replace(/^([\w.-]+@)?([\w.-]+):(?!\/\/)/, 'ssh://$1$2/'));
  const api = trimmed(apiUrl ?? (url?.hostname ? defaultApi(provider, webOrigin(url)) : ''));
  if (!url || api === '') {
    throw new ForgeError(null, `"${gitUrl}" is no repository on a forge; name the API of the forge that has it`);
  }
  const path = trimmed(decodeURIComponent(url.pathname)).replace(/\.git$/, '');
  const web = trimmed(new URL(api).pathname.replace(apiPath[provider], ''));
  return { provider, apiUrl: api, name: named(path, provider, url.protocol === 'ssh:' ? '' : web) };
}

export type PullRequest = Repository & { readonly number: number };

const forms: readonly (readonly [Provider, RegExp])[] = [
  ['gitlab', /^(?<path>\/.+)\/-\/merge_requests\/(?<number>\d+)\/?$/],
  ['gitea', /^(?<path>\/.+)\/pulls\/(?<number>\d+)\/?$/],
  ['github', /^(?<path>\/.+)\/pull\/(?<number>\d+)\/?$/],
];

/** The pull request that a browser shows at this address: its form tells the forge. Throws a ForgeError. */
export function pullRequestOf(address: string, apiUrl?: string): PullRequest {
  const url = URL.parse(address);
  for (const [provider, form] of forms) {
    const { path, number } = form.exec(url?.pathname ?? '')?.groups ?? {};
    if (!url || path === undefined) continue;
    // What stands before owner and name is where Gitea itself lies; of GitLab nothing tells groups and place apart.
    const below = provider === 'gitea' ? path.split('/').slice(0, -2).join('/') : '';
    const api = apiUrl ?? defaultApi(provider, `${url.origin}${below}`);
    return { ...repositoryOf(`${url.origin}${path}`, provider, api), number: Number(number) };
  }
  throw new ForgeError(
    null,
    `"${address}" is no address of a pull request; write https://HOST/OWNER/NAME/pull/N (GitHub), …/pulls/N (Gitea, Forgejo) or …/-/merge_requests/N (GitLab)`,
  );
}

/** The web's, of a repository that is reached by SSH too. */
function webOrigin(url: URL): string {
  return /^https?:$/.test(url.protocol) ? url.origin : `https://${url.hostname}`;
}

function defaultApi(provider: Provider, web: string): string {
  const { hostname } = new URL(web);
  if (hostname === 'github.com') return 'https://api.github.com';
  if (hostname.endsWith('.ghe.com')) return `https://api.${hostname}`;
  return `${web}${apiPath[provider]}`;
}

/** GitLab has groups in groups, so there all counts that stands behind the place where GitLab itself lies. */
function named(path: string, provider: Provider, web: string): string {
  if (provider !== 'gitlab') return path.split('/').slice(-2).join('/');
  return web !== '' && path.startsWith(`${web}/`) ? path.slice(web.length + 1) : path;
}

function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}
