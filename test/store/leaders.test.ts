import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runLoop } from '../../controller/loop.ts';
import { handingOver } from '../../controller/only-leader.ts';
import { createSignals } from '../../controller/signals.ts';
import { done, type Step } from '../../controller/steps/step.ts';
import {
  acquireLeadership,
  assertLeader,
  createLeader,
  type Leadership,
  NotLeaderError,
  releaseLeadership,
} from '../../controller/store/leaders.ts';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool, transaction } from '../../controller/store/pool.ts';
import { createTestDatabase } from '../support/postgres.ts';

const log = pino({ level: 'silent' });
const long = 3_600_000;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: ReturnType<typeof createPool>;

beforeEach(async () => {
  database = await createTestDatabase();
  await migrate({ url: database.url, log });
  pool = createPool({ url: database.url, log });
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const acquire = (holder: string, forMs = long) => acquireLeadership(pool, { name: 'publish', holder, forMs });
const expire = () => pool.query(`update leaders set expires_at = now() - interval '1 second'`);

test('one of two holders leads, and renewing keeps its term', async () => {
  expect(await acquire('a')).toEqual({ name: 'publish', holder: 'a', term: 1 });
  expect(await acquire('b')).toBeNull();
  expect(await acquire('a')).toMatchObject({ term: 1 });
});

test('of twenty that ask at once exactly one leads', async () => {
  const asked = await Promise.all(Array.from({ length: 20 }, (_, at) => acquire(`holder ${at}`)));
  expect(asked.filter(Boolean)).toHaveLength(1);
});

test('an expired leadership goes to whoever asks first, in a term of its own', async () => {
  await acquire('a');
  await expire();
  expect(await acquire('b')).toMatchObject({ holder: 'b', term: 2 });
  expect(await acquire('a')).toBeNull();
});

test('a holder that comes back before anybody else keeps its term', async () => {
  await acquire('a');
  await expire();
  expect(await acquire('a')).toMatchObject({ term: 1 });
});

test('a released leadership is free at once, and releasing it late takes nothing from the next holder', async () => {
  const a = (await acquire('a')) as Leadership;
  await releaseLeadership(pool, a);
  expect(await acquire('b')).toMatchObject({ holder: 'b', term: 2 });
  await releaseLeadership(pool, a);
  expect(await acquire('c')).toBeNull();
});

test('a transaction of a passed term is refused and changes nothing', async () => {
  const a = (await acquire('a')) as Leadership;
  await expire();
  await acquire('b');
  const writing = transaction(pool, async (db) => {
    await db.query(`insert into audit (actor, verb, subject_kind, subject) values ('a', 'run', 'run', 'r')`);
    await assertLeader(db, a);
  });
  await expect(writing).rejects.toThrow(NotLeaderError);
  await expect(writing).rejects.toThrow('"a" no longer leads "publish": its term 1 has passed');
  expect((await pool.query('select from audit')).rowCount).toBe(0);
});

test('nobody takes over while a transaction of the term is open', async () => {
  const a = (await acquire('a')) as Leadership;
  await expire();
  const order: string[] = [];
  let taking: Promise<unknown> = Promise.resolve();
  await transaction(pool, async (db) => {
    await assertLeader(db, a);
    taking = acquire('b').then((led) => order.push(`term ${led?.term}`));
    const waits = () =>
      pool.query(`select from pg_stat_activity where wait_event_type = 'Lock' and query like 'insert into leaders%'`);
    await expect.poll(async () => (await waits()).rowCount).toBe(1);
    order.push('written');
  });
  await taking;
  expect(order).toEqual(['written', 'term 2']);
});

test('a term of before the clock was set back is free, and its holder takes it once more if it is the first', async () => {
  const seconds = 15_000;
  await acquire('a', seconds);
  expect(await acquire('b', seconds)).toBeNull();
  const setBack = () => pool.query(`update leaders set expires_at = expires_at + interval '40 minutes'`);
  await setBack();
  expect(await acquire('a', seconds)).toMatchObject({ holder: 'a', term: 1 });
  await setBack();
  expect(await acquire('b', seconds)).toMatchObject({ holder: 'b', term: 2 });
});

test('a leader that stops hands over at once', async () => {
  const leader = (holder: string) => createLeader({ pool, name: 'publish', holder, forMs: long });
  const [a, b] = [leader('a'), leader('b')];
  expect(await a.lead()).toMatchObject({ holder: 'a', term: 1 });
  expect(await b.lead()).toBeNull();
  await a.release();
  expect(await b.lead()).toMatchObject({ holder: 'b', term: 2 });
  expect(await a.lead()).toBeNull();
});

test('another replica takes over when the last of a leader’s steps has ended', async () => {
  const leader = (holder: string) => createLeader({ pool, name: 'publish', holder, forMs: long });
  const [a, b] = [leader('a'), leader('b')];
  const stop = new AbortController();
  const going = Promise.withResolvers<void>();
  const ends = Promise.withResolvers<void>();
  const loop = (step: Pick<Step, 'name' | 'pass'>) =>
    runLoop({
      step: handingOver(a, { everyMs: 60_000, ...step }),
      signals: createSignals(),
      signal: stop.signal,
      log,
    });
  const first = loop({ name: 'receive', pass: async () => done() });
  const last = loop({
    name: 'publish',
    async pass() {
      await a.lead();
      going.resolve();
      await ends.promise;
      // It writes as the owner to its end.
      expect(await a.lead()).toMatchObject({ holder: 'a' });
      return done();
    },
  });
  await going.promise;
  stop.abort();
  await first;
  ends.resolve();
  await last;
  expect(await b.lead()).toMatchObject({ holder: 'b' });
});
