import type pg from 'pg';
import type { MarkResult } from '../../schemas/generated/types.ts';

export type RequestKind = 'run' | 'rerun' | 'cancel' | 'backfill' | 'changeBackfill' | 'mark';
/** `windows`: how many windows a backfill has, or how many a retry gives another turn. */
export type RequestResult =
  | {
      readonly run: string;
      readonly taken?: readonly string[];
      readonly again?: readonly { task: string; why: string }[];
    }
  | {
      readonly backfill: string;
      readonly windows: number;
      readonly dependents?: readonly { backfill: string; windows: number }[];
    }
  | MarkResult
  | { readonly error: string; readonly code: string };
export type OpenRequest = {
  readonly id: number;
  readonly kind: RequestKind;
  readonly body: Record<string, unknown>;
  readonly actor: string;
};

/** The way in for API calls: a request is a row, and `intake` answers it. */
export function createRequests({ pool }: { pool: pg.Pool }) {
  return {
    async submit(request: { kind: RequestKind; body: Record<string, unknown>; actor: string }): Promise<number> {
      const { rows } = await pool.query('insert into requests (kind, body, actor) values ($1, $2, $3) returning id', [
        request.kind,
        JSON.stringify(request.body),
        request.actor,
      ]);
      return rows[0].id;
    },
    /** The answer, or null while `intake` has not given one. */
    async result(id: number): Promise<RequestResult | null> {
      const { rows } = await pool.query('select result from requests where id = $1', [id]);
      return rows[0]?.result ?? null;
    },
  };
}

/** The oldest open request, locked; null when there is none. One at a time: a bad one must not undo another's answer. */
export async function takeRequest(db: pg.ClientBase): Promise<OpenRequest | null> {
  const { rows } = await db.query(
    'select id, kind, body, actor from requests where handled_at is null order by id limit 1 for update skip locked',
  );
  return rows[0] ?? null;
}

export async function answerRequest(db: pg.ClientBase, id: number, result: RequestResult): Promise<void> {
  await db.query('update requests set handled_at = now(), result = $2 where id = $1', [id, JSON.stringify(result)]);
}
