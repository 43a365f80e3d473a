import type pg from 'pg';

/** Whatever the role's default is: a statement must see what was committed while it waited for a lock. */
export async function beginTransaction(client: pg.Client): Promise<void> {
  await client.query('begin isolation level read committed read write');
}

/** Runs `act` in a transaction; a failure rolls back. */
export async function inTransaction<T>(client: pg.Client, act: () => Promise<T>): Promise<T> {
  await beginTransaction(client);
  try {
    const result = await act();
    await client.query('commit');
    return result;
  } catch (error) {
    // A broken session rolls back by itself; what broke it is the error to show.
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

/**
 * Lets one process at a time create things in a schema: `create … if not exists` does not bear two who do it at once, one
 * of them fails on a unique key of the catalogue. Held for the rest of the transaction, as `lockByName`.
 */
export async function lockForCreation(client: pg.Client, schema: string): Promise<void> {
  await lockByName(client, `create in ${schema}`);
}

/** Takes an advisory lock by name for the rest of the transaction; `onWait` is told when somebody else has it. */
export async function lockByName(client: pg.Client, name: string, onWait: () => void = () => {}): Promise<void> {
  const key = `pipewright: ${name}`;
  const { rows } = await client.query<{ locked: boolean }>(
    'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as locked',
    [key],
  );
  if (rows[0]?.locked) return;
  onWait();
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [key]);
}

const bulkSettings = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  transaction_timeout: '0',
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '6',
  client_connection_check_interval: '2s',
};

/**
 * For the rest of the transaction: no time limits that were meant for queries of people (the task has its own); a machine
 * that vanished is noticed within two minutes, a process that ended within two seconds, even while its statement waits
 * for a lock. Settings that the server does not know are left out; on Windows it knows the last one but refuses it.
 */
export async function allowBulk(client: pg.Client): Promise<void> {
  await client.query(
    `select set_config(s.name, b.value, true) from json_each_text($1) b(name, value) join pg_settings s using (name)
     where s.name <> 'client_connection_check_interval' or version() !~* 'windows|mingw|visual'`,
    [JSON.stringify(bulkSettings)],
  );
}
