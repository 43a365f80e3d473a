import type { PipelineSourceResourceSpec, PipelineSourceResourceStatus } from '../../schemas/generated/types.ts';
import type { SourcePublication } from '../../schemas/publications.ts';
import { shortRevision } from '../kubernetes/short-names.ts';
import { type Aspect, aspects, dated } from './conditions.ts';
import { labelNames, sourceKind } from './kinds.ts';
import type { Form, Seen } from './objects.ts';

/** How many problems a status shows; a thousand would be more than the API server takes. */
export const shownProblems = 20;

export function sourceSpec({ location }: SourcePublication): PipelineSourceResourceSpec {
  return { folder: { path: location } };
}

/** How sources are shown. */
export function createSourceForm(namespace: string): Form<SourcePublication> {
  const { apiVersion, kind } = sourceKind;
  return {
    kind: sourceKind,
    specKey: ({ location }) => location,
    resource: async (source) => {
      const metadata = { name: source.name, namespace, labels: { [labelNames.managedBy]: 'pipewright' } };
      return { apiVersion, kind, metadata, spec: sourceSpec(source) };
    },
    status: sourceStatus,
    aspects: sourceAspects,
    edition: ({ revision }) => revision,
  };
}

function sourceStatus(source: SourcePublication, seen: Seen): PipelineSourceResourceStatus {
  const { revision, syncedAt, pipelines, problemCount, problems } = source;
  return {
    revision: shortRevision(revision),
    syncedAt: syncedAt.toISOString(),
    pipelines,
    problemCount,
    ...(problems.length > 0 ? { problems: [...problems] } : {}),
    conditions: dated(sourceAspects(source), seen.conditions, seen.at, seen.generation),
    observedGeneration: seen.generation,
  };
}

function sourceAspects({ revision, problemCount, problems: [first] }: SourcePublication): [Aspect, ...Aspect[]] {
  if (!first) return aspects('ready', 'Synced', `revision ${shortRevision(revision)} runs`);
  const count = problemCount === 1 ? '1 problem' : `${problemCount} problems, of which the first is`;
  const place = `${first.file}:${first.line}:${first.column}`;
  return aspects('stalled', 'ManifestInvalid', `${count}: ${place}: ${first.message}`);
}

/** The status of an object that the controller was never told of. */
export function unknownSourceStatus(name: string, at: Date, generation: number): PipelineSourceResourceStatus {
  const message = `the controller has not been told to read a source "${name}", so this object does nothing; give the controller its folder, or delete the object`;
  return {
    conditions: dated(aspects('stalled', 'NotConfigured', message), [], at, generation),
    observedGeneration: generation,
  };
}
