import type { PipelineSourceResourceSpec, PipelineSourceResourceStatus } from '../../schemas/generated/types.ts';
import type { SourcePublication } from '../../schemas/publications.ts';
import { pathOf, refText } from '../../schemas/source-declarations.ts';
import type { Resource } from '../kubernetes/client.ts';
import { shortRevision } from '../kubernetes/short-names.ts';
import { type Aspect, aspects, dated } from './conditions.ts';
import { type SourceObjects, specOf } from './declared-source.ts';
import { labelNames, sourceKind } from './kinds.ts';
import type { Form, Seen } from './objects.ts';

/** How many problems a status shows; a thousand would be more than the API server takes. */
export const shownProblems = 20;

/** How sources are shown: in an object of ours, or in the one that declares them. */
export function createSourceForm(
  namespace: string,
  { own, objects, refusalOf }: SourceObjects,
): Form<SourcePublication> {
  const { apiVersion, kind } = sourceKind;
  const given = ({ name }: SourcePublication) => (own.has(name) ? undefined : (objects()?.get(name) ?? null));
  const aspectsOf = (source: SourcePublication) => {
    const object = given(source) ?? null;
    return sourceAspects(source, object, object && refusalOf(object));
  };
  return {
    kind: sourceKind,
    given,
    specKey(source) {
      const object = given(source);
      return object ? `${object.metadata.uid} ${object.metadata.generation}` : JSON.stringify(own.get(source.name));
    },
    resource: async ({ name }) => {
      const metadata = { name, namespace, labels: { [labelNames.managedBy]: 'pipewright' } };
      return { apiVersion, kind, metadata, spec: own.get(name) };
    },
    status: (source, seen) => sourceStatus(source, aspectsOf(source), seen),
    aspects: aspectsOf,
    edition: ({ revision }) => revision ?? '',
  };
}

function sourceStatus(
  source: SourcePublication,
  now: readonly Aspect[],
  { conditions, at, generation }: Seen,
): PipelineSourceResourceStatus {
  const { revision, author, syncedAt, pipelines, problemCount, problems } = source;
  return {
    ...(revision === null ? {} : { revision: shortRevision(revision) }),
    ...(author === null ? {} : { author }),
    ...(syncedAt === null ? {} : { syncedAt: syncedAt.toISOString() }),
    pipelines,
    problemCount,
    ...(problems.length > 0 ? { problems: [...problems] } : {}),
    conditions: dated(now, conditions, at, generation),
    observedGeneration: generation,
  };
}

/** `object`: the one that declares it, null for one of ours; `refused`: why what it asks for is not done. */
export function sourceAspects(
  source: SourcePublication,
  object: Resource | null,
  refused: string | null,
): [Aspect, ...Aspect[]] {
  const { revision, suspended, failure, seen } = source;
  const goesOn = revision === null ? 'nothing has been read yet' : `revision ${shortRevision(revision)} goes on`;
  if (refused) return aspects('stalled', 'NotConfigured', `${refused}; ${goesOn}`);
  if (object && !isAbout(source, specOf(object))) return unread(goesOn);
  if (suspended) return aspects(revision === null ? 'stalled' : 'ready', 'Suspended', `suspended; ${goesOn}`);
  if (failure !== null) return aspects('stalled', 'FetchFailed', `${failure}; ${goesOn}`);
  if (!seen || revision === null) return unread(goesOn);
  return read(source, revision);
}

function read({ problemCount, problems: [first] }: SourcePublication, revision: string): [Aspect, ...Aspect[]] {
  if (!first) return aspects('ready', 'Synced', `revision ${shortRevision(revision)} runs`);
  const count = problemCount === 1 ? '1 problem' : `${problemCount} problems, of which the first is`;
  const by = first.author === undefined ? '' : ` (commit ${first.revision} by ${first.author})`;
  const place = `${first.file}:${first.line}:${first.column}`;
  return aspects('stalled', 'ManifestInvalid', `${count}: ${place}: ${first.message}${by}`);
}

function unread(goesOn: string): [Aspect, ...Aspect[]] {
  return aspects('reconciling', 'Syncing', `what it says now is being read; ${goesOn}`);
}

/** Whether the row says what the object says by now. */
function isAbout({ location, ref, path, suspended }: SourcePublication, spec: PipelineSourceResourceSpec): boolean {
  const { git, suspend = false } = spec;
  if (!git || suspended !== suspend) return false;
  return location === git.url && ref === refText(git) && path === pathOf(git);
}

/** The status of an object of which there is no row yet. */
export function newSourceStatus(
  { metadata: { generation = 1 } }: Resource,
  refused: string | null,
  at: Date,
): PipelineSourceResourceStatus {
  const now = refused ? aspects('stalled', 'NotConfigured', refused) : unread('nothing has been read yet');
  return { conditions: dated(now, [], at, generation), observedGeneration: generation };
}
