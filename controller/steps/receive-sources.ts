import type { Resource } from '../kubernetes/client.ts';
import { isMadeByUs, type SourceObjects } from '../publish/declared-source.ts';
import { driftOf } from '../publish/drift.ts';
import { sourceKind } from '../publish/kinds.ts';
import { newSourceStatus } from '../publish/source-resource.ts';
import { together } from '../publish/together.ts';
import type { SourceView } from '../publish/view-sources.ts';
import { writeStatus } from '../publish/write-status.ts';
import { markNamed } from '../store/dirty.ts';
import { readSourcePublications } from '../store/publications.ts';
import { atOnce, type ReceiveParts, settle, showAgain } from './receive-changes.ts';

type Parts = ReceiveParts & { readonly sources: SourceObjects };

/**
 * What became of PipelineSources. What they declare goes another way, to `sync` in every replica; here those of ours are kept as they
 * are, and those of others get a status that is about what they say by now.
 */
export async function receiveSources(parts: Parts, seen: SourceView): Promise<void> {
  if (seen.takeListed()) {
    await markNamed(parts.pool, 'source', [...(seen.objects()?.keys() ?? [])]);
    parts.wake('publish');
  }
  const isLeftOver = (one: Resource) => isMadeByUs(one) && !parts.sources.own.has(one.metadata.name);
  // Flags or files of an earlier start declared them.
  const leftOver = [...(seen.objects()?.values() ?? [])].filter(isLeftOver);
  await together(leftOver, atOnce, ({ metadata }) => parts.publisher.removeSource(metadata.name));
  const changed = seen.changed().filter((one) => !isLeftOver(one));
  if (changed.length > 0) {
    const rows = await readSourcePublications(parts.pool, { names: changed.map(({ metadata }) => metadata.name) }, 0);
    const known = new Set(rows.map(({ name }) => name));
    await together(changed, atOnce, (resource) => receiveSource(parts, resource, known.has(resource.metadata.name)));
  }
  const deleted = seen.deleted();
  if (deleted.length === 0) return;
  await showAgain(parts, 'source', deleted);
  seen.restored(deleted);
}

async function receiveSource(parts: Parts, resource: Resource, isKnown: boolean): Promise<void> {
  const { name } = resource.metadata;
  const desired = parts.sources.own.get(name);
  if (desired) {
    const drift = driftOf(resource, desired, () => true);
    await settle(parts, 'source', { kind: sourceKind, resource, desired, drift }, false);
    return;
  }
  if (!isKnown) {
    const status = newSourceStatus(resource, parts.sources.refusalOf(resource), new Date());
    await writeStatus(parts.kubernetes, sourceKind, resource.metadata, status);
  }
  // Its row may have come meanwhile.
  await showAgain(parts, 'source', [name]);
}
