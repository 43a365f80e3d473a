import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNotifications, type Notifications } from '../../controller/notifications.ts';
import { type StepName, stepNames } from '../../controller/steps/step.ts';
import { createTestDatabase } from '../support/postgres.ts';

const log = pino({ level: 'silent' });
const soon = { interval: 20, timeout: 20_000 };
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let admin: pg.Client;
let open: Notifications[];

beforeEach(async () => {
  database = await createTestDatabase();
  admin = new pg.Client(database.url);
  await admin.connect();
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
  await admin.end();
  await database.drop();
});

/** A replica that listens, with what woke it since. */
async function replica(url = database.url) {
  const woken: StepName[] = [];
  const notifications = createNotifications({ url, log, onWake: (step) => woken.push(step) });
  open.push(notifications);
  const ready = () => expect.poll(() => woken, soon).toEqual([...stepNames]);
  await ready();
  woken.length = 0;
  return { ...notifications, woken, ready };
}

const backends = async () =>
  (await admin.query(`select pid from pg_stat_activity where application_name = 'pipewright signals'`)).rows;

test('wakes the steps of other replicas, and not the own ones again', async () => {
  const [a, b, c] = [await replica(), await replica(), await replica()];
  a.notify(['admit', 'advance']);
  await expect.poll(() => [b.woken, c.woken], soon).toEqual(Array(2).fill(['admit', 'advance']));
  b.notify(['launch']);
  await expect.poll(() => c.woken, soon).toEqual(['admit', 'advance', 'launch']);
  await expect.poll(() => a.woken, soon).toEqual(['launch']);
});

test('sends a burst as one', async () => {
  const [a, b] = [await replica(), await replica()];
  await admin.query('listen pipewright_wake');
  const payloads: (string | undefined)[] = [];
  admin.on('notification', ({ payload }) => payloads.push(payload));
  for (let i = 0; i < 1000; i += 1) a.notify(['admit', 'advance']);
  await expect.poll(() => b.woken, soon).toEqual(['admit', 'advance']);
  await admin.query('select 1');
  expect(payloads).toEqual(['admit advance']);
});

test('passes over words that it does not know, as another version may send them', async () => {
  const a = await replica();
  await admin.query(`select pg_notify('pipewright_wake', 'conquer launch')`);
  await expect.poll(() => a.woken, soon).toEqual(['launch']);
});

test('listens again when its connection was killed, and wakes every step, since it may have missed something', async () => {
  const [a, b] = [await replica(), await replica()];
  const before = await backends();
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pipewright signals'`,
  );
  // Nobody hears this, and nobody fails.
  a.notify(['admit']);
  await Promise.all([a.ready(), b.ready()]);
  const after = await backends();
  expect(after).toHaveLength(2);
  expect(after).not.toEqual(before);
  b.woken.length = 0;
  a.notify(['observe']);
  await expect.poll(() => b.woken, soon).toEqual(['observe']);
});

test('begins when Postgres comes, and closes while it is away', async () => {
  const url = new URL(database.url);
  const name = url.pathname.slice(1);
  url.pathname = `/${name}_late`;
  const woken: StepName[] = [];
  const late = createNotifications({ url: url.href, log, onWake: (step) => woken.push(step) });
  open.push(late);
  await admin.query(`create database ${name}_late`);
  await expect.poll(() => woken, soon).toEqual([...stepNames]);
  const never = createNotifications({ url: 'postgres://127.0.0.1:1/none', log, onWake: () => {} });
  await never.close();
  await late.close();
  await admin.query(`drop database ${name}_late`);
});
