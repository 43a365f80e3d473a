import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readSizes } from './blobs.ts';
import { pathProblems } from './files.ts';
import { folderLimits, type PathProblem } from './limits.ts';
import type { Mirror } from './mirror.ts';
import type { Remote } from './remote.ts';
import { GitRefusal, git } from './run.ts';
import { submoduleUrl } from './submodule-url.ts';
import { sweepMirrors } from './sweep.ts';
import type { CommitPath } from './tree.ts';

/** A submodule that is read: the mirror of its own in `dir` follows the commit that its parent names. */
type Submodule = { readonly dir: string; readonly commit: string; readonly at: string; readonly url: string };

export type Submodules = {
  /** Brings those of a commit here, and forgets all others. `bring`: contents of files of the commit, by their blobs. */
  update(commit: string, links: Links, bring: Bring, signal: AbortSignal): Promise<void>;
  /** Those of a commit that is here. */
  find(commit: string, links: Links): Promise<Found>;
};

/** Their commits by their paths below the source's. */
type Links = ReadonlyMap<string, string>;
type Bring = (names: Iterable<string>) => Promise<void>;
type Found = { readonly modules: readonly Submodule[]; readonly problems: readonly PathProblem[] };

/** Each is a mirror, and a question to the server whenever it moves. */
const most = 100;
const longestList = 4 * 1024 * 1024;

type Options = {
  readonly dir: string;
  readonly remote: Remote;
  readonly mirrorOf: (dir: string, remote: Remote) => Mirror;
};

/** The submodules of a source, which lie in mirrors inside its own. Of `.gitmodules` nothing but path and URL is read. */
export function createSubmodules({ dir, remote, mirrorOf }: Options): Submodules {
  const { path } = remote;
  let known: ReadonlyMap<string, { readonly commit: string; readonly mirror: Mirror }> = new Map();

  async function find(commit: string, links: Links): Promise<Found> {
    if (links.size === 0) return { modules: [], problems: [] };
    if (links.size > most) return { modules: [], problems: [pathProblems.tooManySubmodules(most)] };
    const urls = await readUrls({ dir, commit });
    const modules: Submodule[] = [];
    const problems: PathProblem[] = [];
    for (const [at, linked] of links) {
      const named = urls.get(path === '' ? at : `${path}/${at}`);
      const answer = named === undefined ? { fact: unlisted } : submoduleUrl(remote.url, named);
      if ('fact' in answer) problems.push(pathProblems.unreadSubmodule(at, answer.fact));
      else modules.push({ dir: join(dir, folder, nameOf(at, answer.url)), commit: linked, at, url: answer.url });
    }
    return { modules, problems };
  }

  return {
    find,
    async update(commit, links, bring, signal) {
      if (links.size > 0) await bring(await listOf({ dir, commit }));
      const { modules } = await find(commit, links);
      const next = new Map<string, { readonly commit: string; readonly mirror: Mirror }>();
      for (const module of modules) {
        const before = known.get(module.dir);
        // One that did not move keeps what it knows of itself, and so asks nobody.
        const mirror =
          before?.commit === module.commit ? before.mirror : mirrorOf(module.dir, remoteOf(remote, module));
        next.set(module.dir, { commit: module.commit, mirror });
        await mirror.update(signal);
      }
      known = next;
      await sweepMirrors(join(dir, folder), new Set(modules.map(({ at, url }) => nameOf(at, url))));
    },
  };
}

const folder = 'modules';
const unlisted = 'is not in .gitmodules, or that cannot be read; add it there, or remove the submodule';

/** One for each place: two places may need two commits of one repository. */
function nameOf(at: string, url: string): string {
  return createHash('sha256').update(`${url}\n${at}`).digest('hex').slice(0, 32);
}

/** No signature is asked for: the parent's commit, which bears one where it must, names this one by its content. */
function remoteOf({ token, ssh, ca, proxy, url: parent }: Remote, { url, commit, at }: Submodule): Remote {
  return {
    ...{ url, ref: { commit }, path: '', submodule: { at, of: parent } },
    ...(token && { token }),
    ...(ssh && { ssh }),
    ...(ca !== undefined && { ca }),
    ...(proxy !== undefined && { proxy }),
  };
}

type Commit = Omit<CommitPath, 'path'>;

/** The blob of `.gitmodules`, unless that is a link or not there. */
async function listOf({ dir, commit }: Commit): Promise<string[]> {
  const listed = await git(dir, ['ls-tree', '--full-tree', '--end-of-options', commit, '.gitmodules']);
  const [, blob] = /^100\d+ blob ([0-9a-f]+)\t/.exec(listed) ?? [];
  return blob === undefined ? [] : [blob];
}

/** By path from the top. None when the file is not there or says nothing that Git understands. */
async function readUrls({ dir, commit }: Commit): Promise<Map<string, string>> {
  const [blob] = await listOf({ dir, commit });
  if (blob === undefined) return new Map();
  const size = (await readSizes(dir, [blob])).get(blob);
  if (size === undefined) throw new Error(`commit ${commit} lacks .gitmodules`);
  if (size > folderLimits.fileBytes) return new Map();
  const fields = new Map<string, { path?: string; url?: string }>();
  for (const [key, value] of await readFields(dir, blob)) {
    const [, name = '', field = ''] = /^submodule\.(.+)\.(path|url)$/s.exec(key) ?? [];
    if (field !== '') fields.set(name, { ...fields.get(name), [field]: value });
  }
  return new Map(
    [...fields.values()].flatMap(({ path, url }) => (path !== undefined && url !== undefined ? [[path, url]] : [])),
  );
}

async function readFields(dir: string, blob: string): Promise<[key: string, value: string][]> {
  const wanted = ['-z', '--get-regexp', '^submodule\\..*\\.(path|url)$'];
  const listed = await git(dir, ['config', '--no-includes', '--blob', blob, ...wanted], { longest: longestList }).catch(
    (error: unknown) => {
      // It has no such fields, or is not of the form.
      if (error instanceof GitRefusal) return '';
      throw error;
    },
  );
  return listed.split('\0').flatMap((each): [string, string][] => {
    const end = each.indexOf('\n');
    return end === -1 ? [] : [[each.slice(0, end), each.slice(end + 1)]];
  });
}
