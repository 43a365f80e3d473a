import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type pg from 'pg';
import type { Bundle, VersionManifest } from '../../schemas/generated/types.ts';
import { readBundle } from './catalog.ts';

const unzip = promisify(gunzip);

type Row = Omit<VersionManifest, 'parts'> & { readonly bundle: string; readonly manifest: VersionManifest['parts'] };

const columns = `p.name as pipeline, v.digest as version, s.name as source, p.retired_at is not null as retired,
            v.bundle_digest as bundle, v.manifest`;

/** What the newest run of that name is made of, by the version that it is pinned to; while it is queued, that is its pipeline's. */
export async function readRunManifest(pool: pg.Pool, run: string): Promise<VersionManifest | null> {
  const { rows } = await pool.query<Row>(
    `select ${columns}, e.name as revision, coalesce(r.file, p.file) as file
     from runs r join pipelines p on p.id = r.pipeline_id join versions v on v.id = r.version_id
       join revisions e on e.id = coalesce(r.revision_id, v.revision_id) join sources s on s.id = e.source_id
     where r.name = $1 order by r.id desc limit 1`,
    [run],
  );
  return whole(pool, rows[0]);
}

/** What a pipeline is made of now, or was when it was retired. */
export async function readPipelineManifest(pool: pg.Pool, pipeline: string): Promise<VersionManifest | null> {
  const { rows } = await pool.query<Row>(
    `select ${columns}, e.name as revision, p.file
     from pipelines p join versions v on v.id = p.version_id join revisions e on e.id = coalesce(p.revision_id, v.revision_id)
       join sources s on s.id = p.source_id
     where p.name = $1`,
    [pipeline],
  );
  return whole(pool, rows[0]);
}

/** SQL files are in the bundle, which is what ran. Null parts: the version is older than the keeping of manifests. */
async function whole(pool: pg.Pool, row: Row | undefined): Promise<VersionManifest | null> {
  if (!row) return null;
  const { bundle, manifest, ...version } = row;
  if (manifest === null) return { ...version, parts: null };
  const { files } = JSON.parse(String(await unzip(await readBundle(pool, bundle)))) as Bundle;
  const paths = Object.keys(files).sort();
  return {
    ...version,
    parts: [...manifest, ...paths.map((path) => ({ name: path, file: path, line: 1, text: files[path] ?? '' }))],
  };
}
