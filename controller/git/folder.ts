import { readdir, realpath } from 'node:fs/promises';
import { pathProblems, type SourceFiles, toSourceFiles } from './files.ts';
import { FolderError, folderLimits, type Limits, type PathProblem } from './limits.ts';
import { listFolder } from './list.ts';
import { readText } from './text.ts';

export { FolderError } from './limits.ts';
export { watchFolder } from './watch.ts';

/** How often reading starts again because a file vanished meanwhile, as when an editor saves by renaming. */
const attempts = 5;

/**
 * Reads the `.yaml`, `.yml` and `.sql` files below a folder, but not below `node_modules` or names that begin with a dot. Symbolic
 * links are followed inside the folder. Throws a FolderError when the folder itself is not readable.
 */
export async function readFolder(dir: string, limits: Limits = folderLimits): Promise<SourceFiles> {
  const root = await realpath(dir).catch((error: NodeJS.ErrnoException) => {
    throw new FolderError(dir, error);
  });
  for (let attempt = 1; ; attempt++) {
    const found = await readOnce(root, limits);
    if (!found.vanished || attempt === attempts) {
      return toSourceFiles({ ...found, complete: !found.vanished });
    }
  }
}

/** Throws a FolderError when there is no such folder, or it is not readable. */
export async function checkFolder(dir: string): Promise<void> {
  await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    throw new FolderError(dir, error);
  });
}

type Found = { texts: Map<string, string>; problems: PathProblem[]; vanished: boolean };

async function readOnce(root: string, limits: Limits): Promise<Found> {
  const listing = await listFolder(root, limits);
  const found: Found = { texts: new Map(), problems: [...listing.problems], vanished: false };
  let bytes = 0;
  // Not all at once: descriptors are scarce, and a few reads at a time keep the disk busy.
  const queue = listing.files.values();
  const worker = async (): Promise<void> => {
    for (const { path, target } of queue) {
      if (bytes > limits.totalBytes) return;
      const read = await readText(path, target, limits.fileBytes);
      if (read === undefined) found.vanished = true;
      else if ('code' in read) found.problems.push(read);
      else {
        bytes += Buffer.byteLength(read.text);
        found.texts.set(path, read.text);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  if (bytes <= limits.totalBytes) return found;
  return { texts: new Map(), problems: [pathProblems.allTooLarge(limits)], vanished: false };
}
