import { createHash } from 'node:crypto';
import type { Problem } from '../../schemas/generated/types.ts';
import type { Limits, PathProblem } from './limits.ts';

/** The manifests and SQL files of a source, however it was read. */
export type SourceFiles = {
  /** Texts by path relative to the source, with `/`, in the order of the paths. */
  readonly files: Map<string, string>;
  /** Identity of what was read: sha256, hex. */
  readonly digest: string;
  readonly problems: Problem[];
  /** False when something was not read, so that what is not in `files` may be there nevertheless. */
  readonly complete: boolean;
};

/** Whether a file of that name is read at all. */
export function isRead(path: string): boolean {
  return /\.(ya?ml|sql)$/.test(path);
}

/** Whether a name, and all below it, is passed over. */
export function isPassedOver(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules';
}

/** What is wrong with a path, in the words that every way of reading uses. */
export const pathProblems = {
  leadsNowhere: (path: string): PathProblem => ({
    path,
    code: 'unreadable-file',
    message: `symbolic link "${path}" leads nowhere; remove it or correct its target`,
  }),
  leadsOut: (path: string): PathProblem => ({
    path,
    code: 'unsafe-path',
    message: `symbolic link "${path}" leads out of the folder; copy what it points to into the folder`,
  }),
  fileTooLarge: (path: string, size: number, limit: number): PathProblem => ({
    path,
    code: 'too-large',
    message: `file "${path}" has ${size} bytes and the limit is ${limit}; divide it into several files`,
  }),
  notText: (path: string): PathProblem => ({
    path,
    code: 'unreadable-file',
    message: `file "${path}" is not UTF-8; save it as UTF-8`,
  }),
  lfsPointer: (path: string): PathProblem => ({
    path,
    code: 'lfs-pointer',
    message: `file "${path}" is a pointer of Git LFS, whose content is not fetched; commit the file itself`,
  }),
  samePath: (path: string, other: string): PathProblem => ({
    path,
    code: 'same-path',
    message: `the paths of files "${path}" and "${other}" differ only by case, and neither is read; rename one of them`,
  }),
  unreadSubmodule: (path: string, fact: string): PathProblem => ({
    path,
    code: 'unread-submodule',
    message: `submodule "${path}" ${fact}`,
  }),
  nestedSubmodule: (path: string): PathProblem =>
    pathProblems.unreadSubmodule(
      path,
      'lies in another submodule, and only those of the source itself are read; make it one of these, or a source of its own',
    ),
  tooManySubmodules: (limit: number): PathProblem => ({
    path: '.',
    code: 'too-many-files',
    message: `the folder has more than ${limit} submodules, and none is read; divide it into several sources`,
  }),
  allTooLarge: ({ totalBytes }: Limits): PathProblem => ({
    path: '.',
    code: 'too-large',
    message: `the folder holds more than ${totalBytes} bytes of manifests and SQL; divide it into several sources`,
  }),
  tooMany: ({ files, entries }: Limits): PathProblem => ({
    path: '.',
    code: 'too-many-files',
    message: `the folder has more than ${files} manifests and SQL files, or ${entries} files of any kind; divide it into several sources`,
  }),
};

export function toSourceFiles(found: {
  texts: ReadonlyMap<string, string>;
  problems: readonly PathProblem[];
  complete?: boolean;
}): SourceFiles {
  const { complete = true } = found;
  const { texts, problems } = withoutUnfit(found.texts);
  problems.push(...found.problems);
  const files = new Map([...texts].sort(([a], [b]) => (a < b ? -1 : 1)));
  const sorted = problems.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash('sha256');
  for (const [path, text] of files) hash.update(`${JSON.stringify(path)} ${Buffer.byteLength(text)}\n`).update(text);
  for (const problem of sorted) hash.update(JSON.stringify([problem.path, problem.code]));
  return {
    files,
    digest: hash.digest('hex'),
    problems: sorted.map(({ path, code, message }) => ({ file: path, line: 1, column: 1, code, message })),
    complete: complete && problems.length === 0,
  };
}

/** Without what is text and yet not what anybody means. */
function withoutUnfit(all: ReadonlyMap<string, string>): { texts: Map<string, string>; problems: PathProblem[] } {
  const problems: PathProblem[] = [];
  const texts = new Map(all);
  const seen = new Map<string, string>();
  for (const path of [...all.keys()].sort()) {
    const other = seen.get(path.toLowerCase());
    seen.set(path.toLowerCase(), path);
    if (other === undefined) continue;
    // Neither: which of them a person sees depends on the machine.
    problems.push(pathProblems.samePath(path, other));
    texts.delete(path);
    texts.delete(other);
  }
  for (const [path, text] of texts) {
    if (!/^version https:\/\/git-lfs\.github\.com\/spec\/[\s\S]*^oid sha256:/m.test(text.slice(0, 1024))) continue;
    problems.push(pathProblems.lfsPointer(path));
    texts.delete(path);
  }
  return { texts, problems };
}
