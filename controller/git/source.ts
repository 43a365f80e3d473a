import { resolve } from 'node:path';
import type { PipelineSourceResourceSpec } from '../../schemas/generated/types.ts';
import { pathOf, refText, type SourceDeclaration } from '../../schemas/source-declarations.ts';
import { resolveRemote } from './credentials.ts';
import type { SourceFiles } from './files.ts';
import { readFolder } from './folder.ts';
import { readHead } from './head.ts';
import { createMirrors } from './mirrors.ts';
import { SecretError, type Secrets, secretText } from './secrets.ts';

/** What one look at a source gave. `revision`: the commit, or the digest of a folder's content. */
export type SourceRead = SourceFiles & {
  readonly revision: string;
  /** Who made the commit, `Name <mail>`; null where nobody is known. */
  readonly author: string | null;
};

/** What `sync` reads: the manifests as they are now, and what this state of them is called. */
export type Source = {
  /** Unique among the sources; the name of its row. */
  readonly name: string;
  readonly kind: 'folder' | 'git';
  /** The folder's absolute path, or the URL. */
  readonly location: string;
  /** What is followed, as `branch main` or `HEAD`; null for the working tree of a folder. */
  readonly ref: string | null;
  /** The folder inside, with `/`; `''` for all of it. */
  readonly path: string;
  /** How long a change may stay unseen where nothing tells of it, in ms. */
  readonly everyMs: number;
  /** The overlay that applies. */
  readonly environment?: string;
  /** It is not read; what it gave last goes on. */
  readonly suspended: boolean;
  /** What becomes of running runs of a pipeline that is gone. */
  readonly prune: 'finish' | 'cancel';
  /** The forge that is told how commits went. */
  readonly status?: CommitStatuses;
  /** Throws an error whose message is one sentence, without credentials, when it cannot be read. */
  read(signal: AbortSignal): Promise<SourceRead>;
};

export type CommitStatuses = NonNullable<NonNullable<PipelineSourceResourceSpec['git']>['status']> & {
  /** What it takes to reach the forge, as it is now. Throws a SecretError. */
  access(signal: AbortSignal): Promise<ForgeAccess>;
};

/** `ca`, as PEM, and `proxy` as for Git itself. */
export type ForgeAccess = { readonly token: string; readonly ca?: string; readonly proxy?: string };

type Options = { readonly declaration: SourceDeclaration; readonly secrets: Secrets; readonly mirrorDir: string };

/** The source that a declaration describes. */
export function createSource({ declaration, secrets, mirrorDir }: Options): Source {
  const { name, everyMs, spec } = declaration;
  const { environment, suspend = false, prune = 'finish', folder, git } = spec;
  const common = { name, everyMs, suspended: suspend, prune, ...(environment !== undefined && { environment }) };
  if (git) return { ...common, ...gitParts({ git, secrets, mirrorDir }) };
  if (folder) return { ...common, ...folderParts(folder) };
  throw new Error(`source "${name}" has neither git nor folder`);
}

function folderParts({ path: dir, at }: NonNullable<PipelineSourceResourceSpec['folder']>) {
  const isHead = at === 'head';
  return {
    kind: 'folder' as const,
    location: resolve(dir),
    ref: isHead ? 'HEAD' : null,
    path: '',
    read: isHead ? () => readHead(dir) : () => readFiles(dir),
  };
}

async function readFiles(dir: string): Promise<SourceRead> {
  const files = await readFolder(dir);
  return { ...files, revision: files.digest, author: null };
}

type GitSpec = NonNullable<PipelineSourceResourceSpec['git']>;

function gitParts({ git, secrets, mirrorDir }: { git: GitSpec; secrets: Secrets; mirrorDir: string }) {
  const mirrors = createMirrors(mirrorDir);
  return {
    kind: 'git' as const,
    location: git.url,
    ref: refText(git),
    path: pathOf(git),
    ...(git.status && {
      status: { ...git.status, access: (signal: AbortSignal) => forgeAccess(git, secrets, signal) },
    }),
    async read(signal: AbortSignal): Promise<SourceRead> {
      const mirror = mirrors(await resolveRemote(git, secrets, signal));
      const { commit, author } = await mirror.update(signal);
      return { ...(await mirror.read(commit)), revision: commit, author };
    },
  };
}

async function forgeAccess({ secretRef, proxy }: GitSpec, secrets: Secrets, signal: AbortSignal): Promise<ForgeAccess> {
  const name = secretRef?.name ?? '';
  const secret = await secrets.read(name, signal);
  const [token, ca] = [secretText(secret, 'password'), secret.get('ca.crt')];
  if (token) return { token, ...(ca !== undefined && { ca }), ...(proxy !== undefined && { proxy }) };
  throw new SecretError(`secret "${name}" has no "password", which commit statuses need; add it`);
}
