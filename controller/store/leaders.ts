import type pg from 'pg';

/** A holder's tenure of something that needs one owner. */
export type Leadership = { readonly name: string; readonly holder: string; readonly term: number };

/** Another replica owns it by now: whoever meets this leaves the work to that one. */
export class NotLeaderError extends Error {
  constructor({ name, holder, term }: Leadership) {
    super(`"${holder}" no longer leads "${name}": its term ${term} has passed, and another replica goes on`);
    this.name = 'NotLeaderError';
  }
}

/**
 * Takes or renews, for `forMs` from now on Postgres's clock, in one statement. Null while another holder's time runs. The term
 * grows whenever the holder changes, and only then. A time that would run for far longer is of before the clock was set back.
 */
export async function acquireLeadership(
  db: pg.Pool | pg.ClientBase,
  options: { name: string; holder: string; forMs: number },
): Promise<Leadership | null> {
  const { name, holder, forMs } = options;
  const { rows } = await db.query(
    `insert into leaders as l (name, holder, term, expires_at) values ($1, $2, 1, now() + $3 * interval '1 ms')
     on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at,
       term = l.term + (l.holder <> excluded.holder)::int
     where l.holder = excluded.holder or l.expires_at <= now() or l.expires_at > now() + 2 * $3 * interval '1 ms'
     returning term`,
    [name, holder, forMs],
  );
  return rows.length === 0 ? null : { name, holder, term: rows[0].term };
}

/** Lets another replica take over at once. What is no longer held is left alone. */
export async function releaseLeadership(db: pg.Pool | pg.ClientBase, led: Leadership): Promise<void> {
  await db.query(`update leaders set expires_at = '-infinity' where name = $1 and holder = $2 and term = $3`, [
    led.name,
    led.holder,
    led.term,
  ]);
}

/**
 * To be called inside the transaction that writes as the owner. Until that ends nobody can take over, since the row is locked;
 * so an expired term that nobody has taken yet still stands. Throws NotLeaderError.
 */
export async function assertLeader(db: pg.ClientBase, led: Leadership): Promise<void> {
  const { rows } = await db.query('select from leaders where name = $1 and holder = $2 and term = $3 for share', [
    led.name,
    led.holder,
    led.term,
  ]);
  if (rows.length === 0) throw new NotLeaderError(led);
}

export type Leader = {
  /** The term in which this replica leads; null while another does. Renews when a third of its time has gone. */
  lead(): Promise<Leadership | null>;
  /** For a stop: another replica takes over at once. */
  release(): Promise<void>;
};

/** Keeps up one replica's claim to lead. `holder` names the process: a restarted one is another holder. */
export function createLeader(options: { pool: pg.Pool; name: string; holder: string; forMs: number }): Leader {
  const { pool, forMs } = options;
  let led: Leadership | null = null;
  let askedAt = 0;
  return {
    async lead() {
      // By a clock that is never set, from before the question: so it ends here before it ends in Postgres.
      const now = performance.now();
      if (led && now - askedAt < forMs / 3) return led;
      led = await acquireLeadership(pool, options);
      askedAt = now;
      return led;
    },
    async release() {
      const held = led;
      led = null;
      if (held) await releaseLeadership(pool, held);
    },
  };
}
