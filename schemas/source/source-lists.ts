import { instant, list, nullable, object, ref, type Schema } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', description, minimum: 0 });

/** Sources, as the API speaks of them. */
export const sourceLists: Record<string, Schema> = {
  SourceSummary: object(
    'A source, and what the last look at it found.',
    {
      name: text('Its name; `local` for the flags of `start`.'),
      kind: { type: 'string', description: 'A Git repository or a folder.', enum: ['git', 'folder'] },
      location: text('The URL, or the path of the folder.'),
      ref: nullable(text('What is followed, as `branch main` or `HEAD`; null for the files of a folder as they are.')),
      path: text('The folder inside that holds the manifests; empty for all of it.'),
      environment: nullable(text('The environment whose overlay applies.')),
      suspended: { type: 'boolean', description: 'True when it is not read; its pipelines go on.' },
      revision: nullable(text('The commit, or the digest of the folder’s content, that was read last; null before.')),
      author: nullable(text('Who made that commit, as `Name <mail>`.')),
      syncedAt: nullable({ ...instant, description: 'When the catalog was last brought in step with it.' }),
      pipelines: count('How many pipelines it has.'),
      problemCount: count('How many problems its manifests have.'),
      problems: list('The first 100 of them.', ref('Problem')),
      failure: nullable(text('Why it cannot be read at present, in a sentence; what was read last goes on.')),
      failedAt: nullable({ ...instant, description: 'Since when.' }),
    },
    [
      ...['name', 'kind', 'location', 'ref', 'path', 'environment', 'suspended', 'revision', 'author', 'syncedAt'],
      ...['pipelines', 'problemCount', 'problems', 'failure', 'failedAt'],
    ],
  ),
  SourceList: object(
    'The sources that are declared, by name. `GET /api/v1/sources`.',
    { sources: list('The sources.', ref('SourceSummary')) },
    ['sources'],
  ),
};
