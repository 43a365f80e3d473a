import { stat } from 'node:fs/promises';
import { readFolder } from '../controller/git/folder.ts';
import { type Compilation, compile } from '../controller/manifests/compile.ts';
import type { TaskPlace } from '../controller/manifests/place.ts';
import type { Problem } from '../schemas/generated/types.ts';
import { CommandError, exitCodes } from './exit.ts';

export type Folder = Pick<Compilation, 'pipelines' | 'broken'> & { readonly problems: Problem[] };

/** Reads and compiles a folder of manifests, for a place and an environment where they are given; one that is not there is a `CommandError`. */
export async function compileFolder(
  dir: string,
  { place, environment }: { place?: TaskPlace | undefined; environment?: string | undefined } = {},
): Promise<Folder> {
  const folder = await stat(dir).catch(() => null);
  if (!folder?.isDirectory()) {
    throw new CommandError(
      exitCodes.unable,
      'no-folder',
      `there is no folder "${dir}"; name the folder with your manifests`,
    );
  }
  const source = await readFolder(dir);
  const { pipelines, problems, broken } = compile({ files: source.files, place, environment });
  return { pipelines, broken, problems: [...source.problems, ...problems] };
}
