import type pg from 'pg';
import type { BackfillResourceSpec } from '../../schemas/generated/types.ts';
import type { BackfillPublication } from '../../schemas/publications.ts';
import type { Resource } from '../kubernetes/client.ts';
import { backfillDrift, placeOfBackfill } from '../publish/backfill-resource.ts';
import { managerOf } from '../publish/drift.ts';
import { backfillKind } from '../publish/kinds.ts';
import { together } from '../publish/together.ts';
import type { BackfillObjects } from '../publish/view-backfills.ts';
import { type AuditRow, writeAudit } from '../store/audit.ts';
import { type BackfillHead, cancelBackfill, changeBackfill, lockBackfill } from '../store/backfills.ts';
import { markBackfills } from '../store/dirty.ts';
import { transaction } from '../store/pool.ts';
import { readBackfillPublications, runningBackfills } from '../store/publications-backfills.ts';
import { backfillDefaults } from '../windows/backfill.ts';
import { atOnce, type ReceiveParts } from './receive-changes.ts';

/** Changed and deleted Backfills → backfills that go on otherwise, or end. */
export async function receiveBackfills(parts: ReceiveParts, seen: BackfillObjects): Promise<void> {
  await receiveChanged(parts, seen.changed());
  await cancelDeleted(parts, seen);
}

async function receiveChanged(parts: ReceiveParts, changed: readonly Resource[]): Promise<void> {
  if (changed.length === 0) return;
  const names = changed.map(({ metadata }) => metadata.name);
  const uids = changed.map(({ metadata }) => metadata.uid ?? '');
  const rows = await readBackfillPublications(parts.pool, { names, uids }, 0);
  await together(changed, atOnce, async (resource) => {
    const { name, uid } = resource.metadata;
    const row = rows.find(({ origin }) => origin?.uid === uid) ?? rows.find((one) => !one.origin && one.name === name);
    if (row) await receiveChange(parts, resource, row);
  });
}

async function receiveChange(parts: ReceiveParts, resource: Resource, row: BackfillPublication): Promise<void> {
  const { pool, publisher, wake } = parts;
  const { cancel } = resource.spec as BackfillResourceSpec;
  const change = backfillDrift(resource, row, backfillDefaults.priority);
  const actor = `kubernetes:${managerOf(resource)}`;
  if (row.phase === 'Running' && cancel) {
    await apply(parts, { name: row.name, actor, details: { cancel } }, (db, { id }) =>
      cancelBackfill(db, id, 'CancelledByRequest'),
    );
  } else if (row.phase === 'Running' && change) {
    await apply(parts, { name: row.name, actor, details: change }, (db, { id }) => changeBackfill(db, id, change));
  }
  // Its status is to say that this has been seen, also where nothing was to be done.
  publisher.forgetBackfill(row.id);
  await markBackfills(pool, [row.id]);
  wake('publish');
}

/**
 * Whoever deletes the object of a running backfill ends it. Of one that a person made this is seen also when it was deleted while
 * nobody looked; ours are then made anew.
 */
async function cancelDeleted(parts: ReceiveParts, seen: BackfillObjects): Promise<void> {
  const { namespace } = seen;
  const deleted = seen.deleted();
  const running = await runningBackfills(parts.pool, { namespace, deleted });
  const missing = running.filter(({ name, origin }) => {
    const place = placeOfBackfill({ name, origin }, namespace);
    return deleted.includes(place.name) || (origin && !seen.isPresent(place.name, origin.uid));
  });
  await together(missing, atOnce, async ({ name, origin }) => {
    // The watch may be behind: it is gone when it is not there now.
    const there = await parts.kubernetes.get(backfillKind, placeOfBackfill({ name, origin }, namespace), {
      metadataOnly: true,
    });
    if (there && (!origin || there.metadata.uid === origin.uid)) return;
    const reason = 'BackfillRemoved';
    await apply(parts, { name, actor: 'kubernetes', details: { cancel: true }, reason }, (db, { id }) =>
      cancelBackfill(db, id, reason),
    );
  });
  seen.dealtWith(deleted);
}

type Applied = Pick<AuditRow, 'actor' | 'details' | 'reason'> & { readonly name: string };

async function apply(
  { pool, wake, log }: ReceiveParts,
  { name, ...audit }: Applied,
  work: (db: pg.ClientBase, head: BackfillHead) => Promise<void>,
): Promise<void> {
  await transaction(pool, async (db) => {
    const head = await lockBackfill(db, name);
    if (head?.phase !== 'Running') return;
    await work(db, head);
    await writeAudit(db, [{ ...audit, verb: 'changeBackfill', subjectKind: 'backfill', subject: name }]);
  });
  log.info({ backfill: name, ...audit }, 'a backfill was changed by kubectl');
  wake('schedule', 'admit', 'advance');
}
