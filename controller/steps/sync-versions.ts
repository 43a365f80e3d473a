import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type pg from 'pg';
import * as catalog from '../store/catalog.ts';
import { saveVersions } from '../store/versions.ts';
import { type Change, type Continuation, continueSchedule } from './catalog-changes.ts';

const gzipAsync = promisify(gzip);
/** Of thousands of new versions only so many are held as rows, and one at a time is packed: each takes memory of its own. */
const versionsAtOnce = 200;

type VersionChange = Extract<Change, { kind: 'version' }>;
type Owner = { readonly sourceId: number; readonly revisionId: number };

/** New versions with their bundles and calendars, and the pipelines that point at them. Known pipelines are locked by the caller. */
export async function applyVersions(
  db: pg.ClientBase,
  { changes, ...owner }: Owner & { readonly changes: readonly Change[] },
): Promise<void> {
  const versions = changes.filter((change) => change.kind === 'version');
  for (let from = 0; from < versions.length; from += versionsAtOnce)
    await applySome(db, owner, versions.slice(from, from + versionsAtOnce));
}

async function applySome(
  db: pg.ClientBase,
  { sourceId, revisionId }: Owner,
  changes: readonly VersionChange[],
): Promise<void> {
  await savePacked(db, changes);
  const ids = await catalog.savePipelines(
    db,
    sourceId,
    changes.map(({ compiled }) => compiled),
  );
  const idOf = ({ name }: VersionChange) => ids.get(name) as number;
  const versions = await saveVersions(
    db,
    revisionId,
    changes.map((change) => ({ pipelineId: idOf(change), compiled: change.compiled })),
  );
  const continued = await continueSchedules(
    db,
    changes.map((change) => ({ ...change, id: idOf(change) })),
  );
  const calendars = await catalog.saveCalendars(
    db,
    [...continued].flatMap(([pipelineId, { newCalendar }]) => (newCalendar ? [{ pipelineId, ...newCalendar }] : [])),
  );
  await catalog.pointPipelines(
    db,
    revisionId,
    changes.map((change) => {
      const id = idOf(change);
      const { calendarId = null, cursorAt = null } = continued.get(id) ?? {};
      return {
        id,
        file: change.compiled.file,
        versionId: versions.get(id) as number,
        suspended: change.compiled.suspend ?? null,
        calendarId: calendars.get(id) ?? calendarId,
        cursorAt,
      };
    }),
  );
}

async function savePacked(db: pg.ClientBase, changes: readonly VersionChange[]): Promise<void> {
  const bundles = new Map(changes.map(({ compiled }) => [compiled.bundleDigest, compiled.bundle]));
  const packed: { digest: string; content: Buffer }[] = [];
  for (const digest of await catalog.missingBundles(db, [...bundles.keys()]))
    packed.push({ digest, content: await gzipAsync(JSON.stringify(bundles.get(digest)), { level: 4 }) });
  await catalog.saveBundles(db, packed);
}

/** By the pipelines' ids. One that came from another source goes on where it was there. */
async function continueSchedules(
  db: pg.ClientBase,
  changes: readonly (VersionChange & { readonly id: number })[],
): Promise<Map<number, Continuation>> {
  const { rows } = await db.query('select now() as now');
  const cursors = await catalog.readCursors(
    db,
    changes.map(({ id }) => id),
  );
  return new Map(
    changes.flatMap(({ id, compiled }): [number, Continuation][] => {
      const cursor = cursors.get(id);
      return cursor ? [[id, continueSchedule(compiled.schedule, cursor, rows[0].now)]] : [];
    }),
  );
}
