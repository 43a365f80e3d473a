import type pg from 'pg';

export type AuditRow = {
  readonly actor: string;
  readonly verb: string;
  readonly subjectKind: 'run' | 'window' | 'pipeline' | 'source' | 'backfill' | 'history' | 'pool';
  readonly subject: string;
  readonly reason?: string | null;
  readonly details?: Record<string, unknown>;
};

/** Written in the transaction of the change it tells of, so that neither exists without the other. */
export async function writeAudit(db: pg.ClientBase, rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return;
  await db.query(
    `insert into audit (actor, verb, subject_kind, subject, reason, details)
     select actor, verb, "subjectKind", subject, reason, coalesce(details, '{}')
     from jsonb_to_recordset($1) as a(actor text, verb text, "subjectKind" text, subject text, reason text, details jsonb)`,
    [JSON.stringify(rows)],
  );
}
