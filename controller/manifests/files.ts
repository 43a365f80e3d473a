import { didYouMean } from '../expressions/suggest.ts';

/** The text of the source’s files by path: relative to the source, with `/`. */
export type Files = ReadonlyMap<string, string>;

/** What checks ask of them. */
export type FileTexts = Pick<Files, 'get' | 'has' | 'keys'>;

/** Whether a file is read as manifests. */
export function isManifestFile(path: string): boolean {
  return /\.ya?ml$/.test(path);
}

/** The path in the source that `reference`, written in the manifest `from`, means; or why there is no such file. */
export function resolveReference(
  files: FileTexts,
  from: string,
  reference: string,
): { path: string } | { code: 'unsafe-path' | 'missing-file'; message: string } {
  const folder = from.includes('/') ? from.slice(0, from.lastIndexOf('/')).split('/') : [];
  const path = reference.startsWith('/') || /[\\\0]/.test(reference) ? undefined : join(folder, reference.split('/'));
  if (path === undefined) {
    const message = `file "${reference}" is not inside the source; write a path relative to this manifest, with "/", that does not leave it`;
    return { code: 'unsafe-path', message };
  }
  if (files.has(path)) return { path };
  const relative = (file: string) =>
    folder.length > 0 && file.startsWith(`${folder.join('/')}/`) ? file.slice(folder.join('/').length + 1) : file;
  const others = [...files.keys()]
    .filter((file) => !isManifestFile(file))
    .slice(0, 1000)
    .map(relative);
  return {
    code: 'missing-file',
    message: `there is no file "${path}" in the source${didYouMean(reference, others) || '; add it or correct the path'}`,
  };
}

function join(folder: string[], steps: string[]): string | undefined {
  const path = [...folder];
  for (const step of steps) {
    if (step === '..' && path.length === 0) return undefined;
    if (step === '..') path.pop();
    else if (step !== '.' && step !== '') path.push(step);
  }
  return path.join('/');
}
