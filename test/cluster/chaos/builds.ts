import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaryVersion } from '../../../controller/store/migrate.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * A Pipewright of one version later, as a folder: this one's code with one more migration. Returns the path.
 */
export async function makeLaterBuild(folder: string, migration: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const part of ['cli', 'controller', 'schemas', 'package.json'])
    await cp(join(root, part), join(folder, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'controller/store/migrations/9000_later.sql'), migration);
  const program = join(folder, 'controller/store/migrate.ts');
  const text = await readFile(program, 'utf8');
  await writeFile(program, text.replace(`binaryVersion = ${binaryVersion};`, `binaryVersion = ${binaryVersion + 1};`));
  return folder;
}
