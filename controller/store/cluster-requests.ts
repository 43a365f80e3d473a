import type pg from 'pg';
import type { Origin } from '../../schemas/publications.ts';
import type { RequestKind, RequestResult } from './requests.ts';

export type ClusterRequest = {
  readonly kind: RequestKind;
  readonly body: Record<string, unknown>;
  readonly actor: string;
  readonly origin: Origin;
};

/** Makes one request per object and kind, however often it is asked and by how many replicas. Returns how many are new. */
export async function submitOnce(pool: pg.Pool, requests: readonly ClusterRequest[]): Promise<number> {
  if (requests.length === 0) return 0;
  const { rowCount } = await pool.query(
    `insert into requests (kind, body, actor, origin)
     select kind, body, actor, origin from jsonb_to_recordset($1) as r(kind text, body jsonb, actor text, origin jsonb)
     on conflict do nothing`,
    [JSON.stringify(requests)],
  );
  return rowCount ?? 0;
}

export type Answer = { readonly uid: string; readonly kind: RequestKind; readonly result: RequestResult };

/** The answers that there are to what these objects asked for. */
export async function readAnswers(pool: pg.Pool, uids: readonly string[]): Promise<Answer[]> {
  const { rows } = await pool.query(
    `select origin ->> 'uid' as uid, kind, result from requests
     where origin is not null and origin ->> 'uid' = any($1) and handled_at is not null`,
    [uids],
  );
  return rows;
}
