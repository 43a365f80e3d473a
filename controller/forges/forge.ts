export type Provider = 'github' | 'gitlab' | 'gitea';

/** A repository on a forge. Forgejo's API is Gitea's. */
export type Repository = {
  readonly provider: Provider;
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** `owner/name`; on GitLab with all its groups. */
  readonly name: string;
};

/** Below the API's URL. */
export function repositoryPath({ provider, name }: Repository): string {
  if (provider === 'gitlab') return `/projects/${encodeURIComponent(name)}`;
  return `/repos/${name.split('/').map(encodeURIComponent).join('/')}`;
}

/** With what it takes to speak to it. */
export type Forge = Repository & {
  readonly token: string;
  /** Certificates, as PEM, that are trusted instead of the machine's. */
  readonly ca?: string;
  /** The proxy, as an environment names it: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>;
};

/** What a forge refused, with its status, or null where it could not be asked. */
export class ForgeError extends Error {
  readonly status: number | null;
  constructor(status: number | null, message: string) {
    super(message);
    this.name = 'ForgeError';
    this.status = status;
  }
}

/** Whether asking again later may help. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof ForgeError) || error.status === null) return true;
  return error.status >= 500 || error.status === 408 || error.status === 429;
}
