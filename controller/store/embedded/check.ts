import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { embeddedError, type Layout, majorVersion } from './layout.ts';

/** Without one of these the server dies with a message that only its authors understand. */
const needed = ['global/pg_control', 'postgresql.conf', 'pg_hba.conf', 'base', 'pg_wal'];

/** Throws one sentence when the folder is there, and yet is no cluster that this program can run. */
export async function checkCluster(layout: Layout): Promise<void> {
  const { folder, data } = layout;
  const found = (await readPart(layout, join(data, 'PG_VERSION'))).trim();
  if (found !== majorVersion) {
    throw embeddedError(
      `"${folder}" was made by Postgres ${found}, and this Pipewright brings Postgres ${majorVersion}`,
      'start the Pipewright that made it, choose another folder with --home, or set DATABASE_URL',
    );
  }
  await readPart(layout, layout.settings);
  for (const name of needed) {
    await access(join(data, name), constants.R_OK).catch((error) => {
      throw broken(layout, join(data, name), error);
    });
  }
}

async function readPart(layout: Layout, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw broken(layout, path, error as NodeJS.ErrnoException);
  }
}

function broken({ folder }: Layout, path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT') {
    return embeddedError(
      `"${folder}" is not complete: "${path}" is missing`,
      `restore it from a backup, or move "${folder}" away to begin anew`,
      error,
    );
  }
  const fact = `"${path}" cannot be read (${error.code})`;
  return embeddedError(
    fact,
    'start as the user who started Pipewright there before, choose another folder with --home, or set DATABASE_URL',
    error,
  );
}
