import { list, nullable, object, objectName, ref, type Schema } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });

/** What versions are made of, as people wrote it. */
export const provenance: Record<string, Schema> = {
  ManifestPart: object(
    'A manifest, or a file that one names, as it was written.',
    {
      name: text(
        'What it is: `Pipeline taxi`, `Pipeline taxi in production` for what an environment says of it, or the path of a file.',
      ),
      file: text('Path in the source.'),
      line: { type: 'integer', description: 'The line that it begins at, from 1.', minimum: 1 },
      text: text('Its text.'),
    },
    ['name', 'file', 'line', 'text'],
  ),
  VersionManifest: object(
    'What a run or a pipeline is made of. `GET /api/v1/runs/NAME/manifest` and `GET /api/v1/pipelines/NAME/manifest`.',
    {
      pipeline: objectName,
      version: text('Digest of the version.'),
      source: text('The source that it came from.'),
      revision: text('The commit, or the digest of a folder.'),
      file: text('The pipeline’s manifest in that source.'),
      retired: { type: 'boolean', description: 'True when the pipeline is no longer there.' },
      parts: nullable(
        list(
          'As people wrote it: the manifest, what its environment says of it, the Blocks, Connections and SQL files that it uses. Null of versions that are older than the keeping of manifests.',
          ref('ManifestPart'),
        ),
      ),
    },
    ['pipeline', 'version', 'source', 'revision', 'file', 'retired', 'parts'],
  ),
};
