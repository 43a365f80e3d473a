import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DuckDBTypeId } from '@duckdb/node-api';
import type { Failpoint } from '../../schemas/failpoints.ts';
import type { TaskOrder } from '../../schemas/generated/types.ts';
import type { Column } from './relation.ts';
import type { Relations } from './relations.ts';
import { type Statement, statement } from './statement.ts';
import { quoteIdentifier, quoteLiteral } from './text.ts';

/** Where a run keeps the rows of a block for its other tasks. */
export function artifactPath(folder: string, block: string): string {
  return join(folder, `${block}.parquet`);
}

/** The folder of the run that made the rows of a block: this one's, or, where a rerun took them over, that of another. */
export function folderOf({ artifacts, taken }: Pick<TaskOrder, 'artifacts' | 'taken'>, block: string): string {
  const run = taken?.[block];
  return run === undefined ? artifacts : join(dirname(artifacts), String(run));
}

export function artifactQuery(path: string): string {
  return `select * from read_parquet(${quoteLiteral(path)})`;
}

type ArtifactOptions = {
  readonly relations: Relations;
  readonly name: string;
  readonly folder: string;
  /** Makes the temporary name unlike that of any other attempt. */
  readonly attemptId: string;
  readonly failpoint: Failpoint;
};

/** Writes the rows of a relation for other tasks: whole under its name, or not there. Returns their count. */
export async function writeArtifact({
  relations,
  name,
  folder,
  attemptId,
  failpoint,
}: ArtifactOptions): Promise<number> {
  const path = artifactPath(folder, name);
  const temporary = join(folder, `.${name}.${attemptId}.tmp`);
  const list = relations.get(name).columns.map(writable).join(', ');
  const select = statement(`select ${list} from ${quoteIdentifier(name)}`);
  const copy = (rows: Statement) =>
    statement('copy (', rows, `) to ${quoteLiteral(temporary)} (format parquet, compression zstd)`);
  try {
    const rows = await relations.run(copy, select, [name]);
    await synchronize(temporary);
    failpoint('artifact.before-rename');
    // A crash before this line leaves a file that nobody names; after it, an attempt that comes again replaces it by the same rows.
    await rename(temporary, path);
    failpoint('artifact.after-rename');
    relations.replace(name, artifactQuery(path));
    return rows;
  } finally {
    await rm(temporary, { force: true });
  }
}

const wide: ReadonlySet<DuckDBTypeId> = new Set([DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT]);

/** Parquet has no 128-bit integer, and DuckDB would write DOUBLE in its place; a decimal keeps every digit. */
function writable({ name, duckdbType }: Column): string {
  const column = quoteIdentifier(name);
  return wide.has(duckdbType.typeId) ? `cast(${column} as decimal(38, 0)) as ${column}` : column;
}

async function synchronize(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
