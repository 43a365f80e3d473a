import type pg from 'pg';
import type { Publisher } from '../publish/publisher.ts';
import type { DirtyMark } from '../store/dirty.ts';
import { backfillsBeyondHistory, readBackfillPublications } from '../store/publications-backfills.ts';

type Options = { readonly pool: pg.Pool; readonly publisher: Publisher; readonly history: number };

/** The backfills among these marks → Backfills. */
export async function publishBackfills(
  { pool, publisher, history }: Options,
  marks: readonly DirtyMark[],
): Promise<void> {
  const since = new Map(marks.flatMap((mark) => (mark.kind === 'backfill' ? [[mark.id, mark.markedAt]] : [])));
  if (since.size === 0) return;
  const found = await readBackfillPublications(pool, { ids: [...since.keys()] }, history);
  const items = found.map((backfill) => {
    const { finishedAt } = backfill;
    const marked = since.get(backfill.id) as Date;
    return { backfill, shownBefore: finishedAt !== null && marked > new Date(finishedAt) };
  });
  const fresh = items.flatMap(({ backfill, shownBefore }) =>
    shownBefore || !publisher.isNewBackfill(backfill) ? [] : [backfill],
  );
  await publisher.publishBackfills(items);
  const counts = [...Map.groupBy(fresh, ({ pipeline }) => pipeline)].map(([name, those]) => ({
    name,
    count: those.length,
  }));
  await publisher.removeBackfills(await backfillsBeyondHistory(pool, counts, history));
}
