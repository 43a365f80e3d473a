import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { TaskFailure } from '../../../../runner/errors.ts';
import { connectTo, january, relationOf } from './support.ts';
import { useWarehouse } from './warehouse.ts';

const warehouse = useWarehouse();

const month = (index: number) => ({
  ...january,
  start: new Date(Date.UTC(2019, index)).toISOString(),
  end: new Date(Date.UTC(2019, index + 1)).toISOString(),
  label: `2019-${index + 1}`,
});

const numbers = (name: string, rows = 3000) => `select i::integer as n, '${name}' as name from range(0, ${rows}) r(i)`;

test('many windows of a first run make schema, table and claims together, and all rows arrive', async () => {
  const write = { mode: 'replaceWindow', tag: 'w' } as const;
  const exports = Array.from({ length: 8 }, (_, index) =>
    warehouse.export({ table: 'together.trips', write, rows: numbers(`m${index}`), window: month(index) }),
  );
  await Promise.all(exports);
  expect(
    await warehouse.query(
      'select count(*)::integer as rows, count(distinct (w, name))::integer as windows from together.trips',
    ),
  ).toEqual([{ rows: '24000', windows: '8' }]);
});

test('windows are written at the same time: one that has not committed does not hold up another', async () => {
  const write = { mode: 'replaceWindow', tag: 'w' } as const;
  await warehouse.export({ table: 'together.open', write, rows: numbers('first'), window: month(0) });
  const other = () => warehouse.export({ table: 'together.open', write, rows: numbers('other'), window: month(1) });
  await warehouse.export({
    table: 'together.open',
    write,
    rows: numbers('second'),
    window: month(0),
    runNo: 2,
    beforeCommit: async () => void (await other()),
  });
  expect(await warehouse.query('select name from together.open group by name order by name')).toEqual([
    { name: 'other' },
    { name: 'second' },
  ]);
});

test.each([
  { mode: 'replaceWindow', tag: 'w' },
  { mode: 'replaceWindow', by: 'at' },
  { mode: 'replace' },
  { mode: 'merge', keys: ['n'] as [string] },
] as const)('without a fence, five at once with %j leave the rows of one of them', async (write) => {
  const table = `together.same_${write.mode.toLowerCase()}${'by' in write ? '_by' : ''}`;
  const rows = `select i::integer as n, timestamptz '2019-01-02 00:00:00+00' as at from range(0, 3000) r(i)`;
  const exports = Array.from({ length: 5 }, () => warehouse.export({ table, write, rows, ledgerId: '' }));
  await Promise.all(exports);
  expect(
    await warehouse.query(`select count(*)::integer as rows, count(distinct n)::integer as different from ${table}`),
  ).toEqual([{ rows: '3000', different: '3000' }]);
});

test('readers see the old rows until the new ones are committed, and are not kept waiting', async () => {
  await warehouse.export({ table: 'together.read', write: { mode: 'replace' }, rows: numbers('old') });
  const seen: unknown[] = [];
  await warehouse.export({
    table: 'together.read',
    write: { mode: 'replace' },
    rows: numbers('new'),
    beforeCommit: async () => void seen.push(...(await warehouse.query('select distinct name from together.read'))),
  });
  expect(seen).toEqual([{ name: 'old' }]);
});

test('what a check throws before the commit undoes everything', async () => {
  await warehouse.export({ table: 'together.checked', write: { mode: 'replace' }, rows: numbers('old') });
  const failure = new TaskFailure('CheckFailed', 'three rows failed');
  const checked = warehouse.export({
    table: 'together.checked',
    write: { mode: 'replace' },
    rows: numbers('new'),
    beforeCommit: () => Promise.reject(failure),
  });
  await expect(checked).rejects.toBe(failure);
  expect(await warehouse.query('select distinct name from together.checked')).toEqual([{ name: 'old' }]);
});

test('what the rows throw half-way undoes everything', async () => {
  const relation = await relationOf(numbers('half', 100_000));
  const failure = new TaskFailure('InvalidInput', 'line 50,000 is broken');
  const breaking = {
    ...relation,
    async *chunks() {
      let taken = 0;
      for await (const chunk of relation.chunks()) {
        if (++taken === 20) throw failure;
        yield chunk;
      }
    },
  };
  await expect(warehouse.export({ table: 'together.half', relation: breaking })).rejects.toBe(failure);
  expect(await warehouse.query('select count(*)::integer as rows from together.half')).toEqual([{ rows: '0' }]);
});

test('a cancelled export ends at once in the middle of the rows and leaves none', async () => {
  const relation = await relationOf(numbers('half', 100_000));
  const abort = new AbortController();
  const endless = {
    ...relation,
    async *chunks() {
      for await (const chunk of relation.chunks()) {
        yield chunk;
        if (abort.signal.aborted) return;
        // After this nothing comes any more.
        setImmediate(() => abort.abort(new Error('cancelled')));
        await new Promise((resolve) => abort.signal.addEventListener('abort', resolve));
      }
    },
  };
  await expect(
    warehouse.export({ table: 'together.cancelled', relation: endless, signal: abort.signal }),
  ).rejects.toThrow('cancelled');
  const sessions = () =>
    warehouse.query(
      `select from pg_stat_activity where application_name like 'pipewright %' and datname = current_database()`,
    );
  await expect.poll(sessions).toEqual([]);
  expect(await warehouse.query('select count(*)::integer as rows from together.cancelled')).toEqual([{ rows: '0' }]);
});

test('a cancelled export that waits for a lock takes its session with it', async () => {
  await warehouse.export({ table: 'together.locked', write: { mode: 'replace' } });
  await warehouse.query('begin; lock table together.locked in access exclusive mode');
  const abort = new AbortController();
  const waiting = warehouse.export({
    table: 'together.locked',
    write: { mode: 'replace' },
    ledgerId: '',
    signal: abort.signal,
  });
  const cancelled = expect(waiting).rejects.toThrow('cancelled');
  const blocked = () =>
    warehouse.query(
      'select count(*)::integer as n from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))',
    );
  await expect.poll(blocked, { timeout: 10_000 }).toEqual([{ n: '1' }]);
  abort.abort(new Error('cancelled'));
  await cancelled;
  await expect.poll(blocked, { timeout: 20_000 }).toEqual([{ n: '0' }]);
  await warehouse.query('rollback');
});

test('a session that the server ends is a failure to be tried again, and leaves nothing', async () => {
  const beforeCommit = async () => {
    await warehouse.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pipewright trips-1' and datname = current_database()`,
    );
  };
  await expect(warehouse.export({ table: 'together.ended', beforeCommit })).rejects.toMatchObject({
    reason: 'ExportFailed',
  });
  expect(await warehouse.query('select count(*)::integer as rows from together.ended')).toEqual([{ rows: '0' }]);
});

/** Passes everything on to the database until it is told to swallow the answer to a commit and cut the line. */
async function createCuttingProxy(url: string) {
  const target = new URL(url);
  const port = Number(target.port);
  const sockets = new Set<Socket>();
  let armed = false;
  const server = createServer((near) => {
    const far = connect(port, target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    near.pipe(far);
    far.on('data', (data) => {
      if (armed && data.includes('COMMIT')) {
        armed = false;
        near.destroy();
      } else near.write(data);
    });
    far.on('end', () => near.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = String((server.address() as AddressInfo).port);
  return {
    url: target.href,
    arm: () => {
      armed = true;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('a commit whose answer is lost counts as committed', async () => {
  const proxy = await createCuttingProxy(warehouse.url());
  try {
    const connection = connectTo(proxy.url);
    const failpoint = (name: string) => name === 'export.before-commit' && proxy.arm();
    const result = await warehouse.export({
      table: 'together.lost',
      rows: numbers('once'),
      connection,
      failpoint,
      runId: 1,
    });
    expect(result).toEqual({ rows: 3000, bytes: expect.any(Number) });
    expect(await warehouse.query('select count(*)::integer as rows from together.lost')).toEqual([{ rows: '3000' }]);
  } finally {
    proxy.close();
  }
});
