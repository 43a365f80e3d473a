/** Where manifests come from. The operator names it; a repository never does. */
export type Remote = {
  /** `https://…`, `http://…`, `ssh://…`, `git@host:path`, `file://…` or a path. Without a user or password in it, but for ssh's user. */
  readonly url: string;
  /** `semver`: of the tags that are versions the highest in the range, as `>=1.2 <2`; `commit` in all its digits. */
  readonly ref:
    | { readonly branch: string }
    | { readonly tag: string }
    | { readonly semver: string }
    | { readonly commit: string };
  /** With `/`, from the top of the repository; `''` for all of it. */
  readonly path: string;
  /** For http and https. */
  readonly token?: { readonly user: string; readonly password: string };
  /** For ssh: a private key without a passphrase, and the `known_hosts` lines of the server. */
  readonly ssh?: { readonly identity: string; readonly knownHosts: string };
  /** For https: the certificates, as PEM, that are trusted instead of the machine's. */
  readonly ca?: string;
  /** For http and https: `http://host:port`, `https://…` or `socks5://…`. */
  readonly proxy?: string;
  readonly verify?: Verify;
  /** Submodules below the path are read too. */
  readonly submodules?: boolean;
  /** It is one itself: a repository named it, so a redirect is not followed. `at`: its path in the source, `of`: the source's URL. */
  readonly submodule?: { readonly at: string; readonly of: string };
};

/** Whose signature a commit, or the annotated tag that names it, must bear. */
export type Verify = {
  readonly mode: 'commit' | 'tag';
  /** Armored public keys for GPG. */
  readonly pgpKeys: readonly string[];
  /** For SSH: lines as `ssh-keygen` reads them (`bot@example.org namespaces="git" ssh-ed25519 AAAA…`). */
  readonly allowedSigners?: string;
};
