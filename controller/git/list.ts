import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isPassedOver, isRead, pathProblems } from './files.ts';
import { FolderError, type Limits, type PathProblem } from './limits.ts';

/** `path` is relative to the folder, with `/`; `target` is the absolute path behind symbolic links. */
export type ListedFile = { readonly path: string; readonly target: string };

type Listing = { readonly files: ListedFile[]; readonly problems: PathProblem[] };
type Walk = Listing & { readonly root: string; readonly limits: Limits; entries: number; isFull: boolean };
type Level = { readonly target: string; readonly path: string; readonly ancestors: readonly string[] };

/** Every manifest and SQL file below `root`, an absolute path without symbolic links. Too many: none, and one problem. */
export async function listFolder(root: string, limits: Limits): Promise<Listing> {
  const walk: Walk = { root, limits, files: [], problems: [], entries: 0, isFull: false };
  await list(walk, { target: root, path: '', ancestors: [] });
  if (!walk.isFull && walk.files.length <= limits.files) return walk;
  return { files: [], problems: [pathProblems.tooMany(limits)] };
}

async function list(walk: Walk, { target, path, ancestors }: Level): Promise<void> {
  const entries = await readdir(target, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (path === '') throw new FolderError(target, error);
    if (error.code !== 'ENOENT') {
      const message = `folder "${path}" cannot be read (${error.code}); give the controller the right to`;
      walk.problems.push({ path, code: 'unreadable-file', message });
    }
    return [];
  });
  walk.entries += entries.length;
  for (const entry of entries) {
    walk.isFull ||= walk.entries > walk.limits.entries || walk.files.length > walk.limits.files;
    if (walk.isFull) return;
    if (isPassedOver(entry.name)) continue;
    const below = path === '' ? entry.name : `${path}/${entry.name}`;
    await visit(walk, entry, { target: join(target, entry.name), path: below, ancestors: [...ancestors, target] });
  }
}

async function visit(walk: Walk, entry: Dirent, level: Level): Promise<void> {
  if (entry.isSymbolicLink()) await visitLink(walk, level);
  else if (entry.isDirectory()) await list(walk, level);
  else if (entry.isFile() && isRead(entry.name)) walk.files.push({ path: level.path, target: level.target });
}

async function visitLink(walk: Walk, { path, target, ancestors }: Level): Promise<void> {
  const real = await realpath(target).catch(() => undefined);
  const kind = real === undefined ? undefined : await stat(real).catch(() => undefined);
  if (real === undefined || !kind) {
    if (!isRead(path)) return;
    walk.problems.push(pathProblems.leadsNowhere(path));
  } else if (real !== walk.root && !real.startsWith(walk.root + sep)) {
    if (!kind.isDirectory() && !isRead(path)) return;
    walk.problems.push(pathProblems.leadsOut(path));
  } else if (kind.isDirectory()) {
    // A link to a folder that holds it would never end.
    if (!ancestors.includes(real)) await list(walk, { target: real, path, ancestors });
  } else if (kind.isFile() && isRead(path)) walk.files.push({ path, target: real });
}
