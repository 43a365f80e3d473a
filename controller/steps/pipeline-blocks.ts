import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type pg from 'pg';
import type { Bundle } from '../../schemas/generated/types.ts';
import { blocksOf, type PipelineBlocks } from '../publish/pipeline-resource.ts';
import { readBundle } from '../store/catalog.ts';

const unzip = promisify(gunzip);

/** The graph of a pipeline as its object shows it, from the bundle of that digest. */
export function createBlocks({ pool }: { pool: pg.Pool }): (bundle: string) => Promise<PipelineBlocks> {
  return async (digest) => blocksOf(JSON.parse((await unzip(await readBundle(pool, digest))).toString()) as Bundle);
}
