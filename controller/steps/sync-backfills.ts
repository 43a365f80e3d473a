import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import type { BackfillRequest } from '../../schemas/generated/types.ts';
import type { CompiledBackfill } from '../manifests/check-backfill.ts';
import { type AuditRow, writeAudit } from '../store/audit.ts';
import { type BackfillSettings, cancelBackfill, changeBackfill, lockBackfill } from '../store/backfills.ts';
import {
  type DeclaredRow,
  declareBackfills,
  readDeclared,
  redeclareBackfills,
  removeDeclared,
} from '../store/declared-backfills.ts';
import { backfillDefaults } from '../windows/backfill.ts';

/** A declared backfill with what a person would ask for. */
type Declared = Pick<CompiledBackfill, 'name' | 'digest'> & {
  readonly settings: BackfillSettings;
  readonly request: BackfillRequest;
};

type Source = {
  readonly backfills: readonly CompiledBackfill[];
  /** Names of those that are there and have problems: they are not gone. */
  readonly brokenBackfills: readonly string[];
  /** What could not be read may hold any. */
  readonly unreadable: boolean;
};

/**
 * Backfills of manifests → requests, each once for its name and what it runs. One with other settings has them changed while it
 * runs; one that says something else is another one, and one that is gone ends. In the sync's own transaction, so that a crash
 * leaves all of it or nothing.
 */
export async function syncBackfills(db: pg.ClientBase, sourceId: number, source: Source): Promise<void> {
  const declared = source.backfills.map(asRequest);
  const rows = await readDeclared(
    db,
    sourceId,
    declared.map(({ name }) => name),
  );
  const changes = compareDeclared({ ...source, declared, rows });
  const ended = await removeDeclared(db, changes.removed);
  for (const { name } of ended) await end(db, name);
  const running = await redeclareBackfills(db, changes.changed);
  for (const { requestId, name } of running) {
    const change = changes.changed.find((one) => one.requestId === requestId);
    if (change) await set(db, name, change.settings);
  }
  await declareBackfills(db, sourceId, changes.fresh);
}

/** Pure. */
function compareDeclared(input: {
  readonly declared: readonly Declared[];
  readonly rows: readonly DeclaredRow[];
  readonly brokenBackfills: readonly string[];
  readonly unreadable: boolean;
}) {
  const { declared, rows, brokenBackfills, unreadable } = input;
  const key = ({ name, digest }: Pick<Declared, 'name' | 'digest'>) => `${name} ${digest}`;
  const known = new Map(rows.map((row) => [key(row), row]));
  const wanted = new Set(declared.map(key));
  const broken = new Set(brokenBackfills);
  // What stands under the same name with another digest is replaced, also where some other file could not be read.
  const replaced = new Set(declared.map(({ name }) => name));
  return {
    fresh: declared.filter((one) => !known.has(key(one))),
    changed: declared.flatMap((one) => {
      const row = known.get(key(one));
      if (!row || (!row.removed && isDeepStrictEqual(row.settings, one.settings))) return [];
      return [{ ...one, requestId: row.requestId }];
    }),
    removed: rows.filter((row) => {
      if (row.removed || wanted.has(key(row)) || broken.has(row.name)) return false;
      return !unreadable || replaced.has(row.name);
    }),
  };
}

function asRequest({ name, digest, spec }: CompiledBackfill): Declared {
  const { suspend: suspended = false, ...range } = spec;
  const { maxActiveRuns = null, priority = backfillDefaults.priority } = range;
  return { name, digest, settings: { maxActiveRuns, priority, suspended }, request: { ...range, name, suspended } };
}

async function end(db: pg.ClientBase, name: string): Promise<void> {
  const head = await lockBackfill(db, name);
  if (head?.phase !== 'Running') return;
  await cancelBackfill(db, head.id, 'BackfillRemoved');
  await writeAudit(db, [{ ...audit(name), verb: 'cancel', reason: 'BackfillRemoved' }]);
}

async function set(db: pg.ClientBase, name: string, settings: BackfillSettings): Promise<void> {
  const head = await lockBackfill(db, name);
  if (head?.phase !== 'Running') return;
  await changeBackfill(db, head.id, settings);
  await writeAudit(db, [{ ...audit(name), verb: 'changeBackfill', details: settings }]);
}

function audit(subject: string): Pick<AuditRow, 'actor' | 'subjectKind' | 'subject'> {
  return { actor: 'sync', subjectKind: 'backfill', subject };
}
