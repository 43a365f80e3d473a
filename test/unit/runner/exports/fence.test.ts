import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { FailpointName } from '../../../../schemas/failpoints.ts';
import { type Claim, connectTo, type ExportInput } from './support.ts';
import { useWarehouse } from './warehouse.ts';

const warehouse = useWarehouse();

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Starts an export in a process of its own; `outcome` is what it prints, or null when it was killed. */
function startExport(input: Omit<ExportInput, 'url'>, failpoint: string) {
  const program = fileURLToPath(new URL('export-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify({ url: warehouse.url(), ...input })], {
    env: { ...process.env, PIPEWRIGHT_FAILPOINT: failpoint },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const outcome = text(child.stdout).then((printed) =>
    printed === '' ? null : (JSON.parse(printed) as Record<string, unknown>),
  );
  return { child, outcome };
}

/** Resolves when the process is frozen. */
async function frozen(child: ChildProcess): Promise<void> {
  await expect
    .poll(async () => (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(' ')[2], { timeout: 20_000 })
    .toBe('T');
}

const points: FailpointName[] = [
  'export.before-claim',
  'export.after-claim',
  'export.before-commit',
  'export.after-commit',
];
const numbers = (name: string) => `select i::integer as n, '${name}' as name from range(0, 3000) r(i)`;

async function contents(table: string) {
  return warehouse.query(
    `select name, count(*)::integer as rows, count(distinct n)::integer as different from ${table} group by name`,
  );
}

test('a second attempt of a run that has committed writes nothing and says so', async () => {
  const write = { mode: 'append' } as const;
  const first = await warehouse.export({ table: 'fence.again', write, rows: numbers('a'), runId: 1 });
  const second = await warehouse.export({ table: 'fence.again', write, rows: numbers('b'), runId: 1, attempt: 2 });
  expect(second).toEqual({ ...first, note: 'already committed by attempt 1' });
  expect(await contents('fence.again')).toEqual([{ name: 'a', rows: '3000', different: '3000' }]);
});

test('a rerun appends once more, and a run without window has a claim of its own', async () => {
  const write = { mode: 'append' } as const;
  await warehouse.export({ table: 'fence.rerun', write, runId: 1, runNo: 1 });
  await warehouse.export({ table: 'fence.rerun', write, runId: 2, runNo: 2 });
  await warehouse.export({ table: 'fence.rerun', write, runId: 3, window: null });
  await warehouse.export({ table: 'fence.rerun', write, runId: 4, window: null });
  expect(await warehouse.query('select count(*)::integer as rows from fence.rerun')).toEqual([{ rows: '4' }]);
});

test.each<[string, Claim]>([
  ['an earlier attempt', { runId: 7, runNo: 2, attempt: 1 }],
  ['an earlier run', { runId: 6, runNo: 1, attempt: 9 }],
])('%s that comes late is superseded and writes nothing', async (_, claim) => {
  const write = { mode: 'replace' } as const;
  const stopped = new Error('stopped here');
  const failing = warehouse.export({
    table: 'fence.late',
    write,
    rows: numbers('failed'),
    runId: 7,
    runNo: 2,
    attempt: 2,
    beforeCommit: () => Promise.reject(stopped),
  });
  await expect(failing).rejects.toThrow('stopped here');
  await expect(warehouse.export({ table: 'fence.late', write, rows: numbers('late'), ...claim })).rejects.toMatchObject(
    {
      reason: 'Superseded',
      message: '"fence"."late": run number 2, attempt 2 has claimed it; nothing was written here',
    },
  );
  expect(await contents('fence.late')).toEqual([]);
});

test.each(points)('killed at %s, an append is there once after the next attempt', async (point) => {
  const table = `fence."${point}"`.replaceAll('"', '').replace('fence.', 'fence.killed-at-').replace('export.', '');
  const input = { table, write: { mode: 'append' } as const, rows: numbers('a') };
  const killed = startExport({ ...input, claim: { runId: 1, attempt: 1 } }, point);
  expect(await killed.outcome).toBeNull();
  const result = await warehouse.export({ ...input, runId: 1, attempt: 2 });
  expect(result.rows).toBe(3000);
  expect(result.note).toBe(point === 'export.after-commit' ? 'already committed by attempt 1' : undefined);
  const quoted = table.replace('fence.', 'fence."').concat('"');
  expect(await contents(quoted)).toEqual([{ name: 'a', rows: '3000', different: '3000' }]);
});

const writes = [
  { mode: 'append' },
  { mode: 'replace' },
  { mode: 'replaceWindow', tag: 'w' },
  { mode: 'merge', keys: ['n'] as [string] },
] as const;

test.each(writes.flatMap((write) => points.slice(0, 3).map((point) => [write.mode, point, write] as const)))(
  '%s: frozen at %s, an attempt neither blocks its successor nor changes anything when it comes back',
  async (mode, point, write) => {
    const table = `fence.${mode}_${point.replace(/\W/g, '_')}`.toLowerCase();
    await warehouse.export({ table, write, rows: numbers('before'), runId: 1, runNo: 1 });
    const late = startExport(
      { table, write, rows: numbers('late'), claim: { runId: 2, runNo: 2, attempt: 1 } },
      `${point}:stop`,
    );
    await frozen(late.child);
    const next = await warehouse.export({ table, write, rows: numbers('next'), runId: 2, runNo: 2, attempt: 2 });
    expect(next).toMatchObject({ rows: 3000 });
    late.child.kill('SIGCONT');
    expect(await late.outcome).toMatchObject({ reason: 'Superseded' });
    const after = await contents(table);
    expect(after.filter(({ name }) => name === 'late')).toEqual([]);
    expect(after.find(({ name }) => name === 'next')).toEqual({ name: 'next', rows: '3000', different: '3000' });
    expect(after).toHaveLength(mode === 'append' ? 2 : 1);
  },
);

test('frozen at the very end, a newer run of the window goes ahead as well', async () => {
  const write = { mode: 'replaceWindow', tag: 'w' } as const;
  const input = { table: 'fence.newer', write };
  const late = startExport(
    { ...input, rows: numbers('late'), claim: { runId: 1, runNo: 1 } },
    'export.before-commit:stop',
  );
  await frozen(late.child);
  await warehouse.export({ ...input, rows: numbers('next'), runId: 2, runNo: 2 });
  late.child.kill('SIGCONT');
  expect(await late.outcome).toMatchObject({ reason: 'Superseded' });
  expect(await contents('fence.newer')).toEqual([{ name: 'next', rows: '3000', different: '3000' }]);
});

test('a session that cannot be ended may not commit after a later claim', async () => {
  const input = { table: 'fence.unended', write: { mode: 'append' } as const, runId: 1 };
  const connection = connectTo(warehouse.url(), 'hidden behind a pooler');
  const claimed = Promise.withResolvers<void>();
  const lateEnded = Promise.withResolvers<void>();
  let next: Promise<unknown> | undefined;
  const late = warehouse.export({
    ...input,
    connection,
    rows: numbers('late'),
    async beforeCommit() {
      const beforeNext = () => {
        claimed.resolve();
        return lateEnded.promise;
      };
      next = warehouse.export({ ...input, rows: numbers('next'), attempt: 2, beforeCommit: beforeNext });
      await claimed.promise;
    },
  });
  await expect(late).rejects.toMatchObject({ reason: 'Superseded' });
  lateEnded.resolve();
  await next;
  expect(await contents('fence.unended')).toEqual([{ name: 'next', rows: '3000', different: '3000' }]);
  await connection.close();
});

test('a claim that waited for a higher one is superseded', async () => {
  const input = { table: 'fence.waited', write: { mode: 'append' } as const };
  await warehouse.export({ ...input, rows: numbers('first'), runId: 1, runNo: 1 });
  await warehouse.query('begin');
  await warehouse.query(`update fence.pipewright_writes set run_no = 9, run_id = 9 where target = 'fence.waited'`);
  const lower = warehouse.export({ ...input, rows: numbers('lower'), runId: 2, runNo: 2 });
  const refused = expect(lower).rejects.toMatchObject({ reason: 'Superseded' });
  const waiting =
    'select count(*)::integer as n from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))';
  await expect.poll(() => warehouse.query(waiting)).toEqual([{ n: '1' }]);
  await warehouse.query('commit');
  await refused;
  expect(await contents('fence.waited')).toEqual([{ name: 'first', rows: '3000', different: '3000' }]);
});

test('a run on one machine without a controller leaves no table of claims', async () => {
  await warehouse.export({ table: 'unfenced.t', ledgerId: '' });
  await warehouse.export({ table: 'unfenced.t', ledgerId: '' });
  expect(await warehouse.query(`select count(*)::integer as rows from unfenced.t`)).toEqual([{ rows: '2' }]);
  expect(
    await warehouse.query(`select from pg_tables where schemaname = 'unfenced' and tablename = 'pipewright_writes'`),
  ).toEqual([]);
});
