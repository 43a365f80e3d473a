import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createArchive } from '../../controller/steps/archive.ts';
import { createLeader } from '../../controller/store/leaders.ts';
import { migrate } from '../../controller/store/migrate.ts';
import { createPool } from '../../controller/store/pool.ts';
import { createTestDatabase } from '../support/postgres.ts';

const log = pino({ level: 'silent' });
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

function replica(holder: string) {
  const did: string[] = [];
  const leader = createLeader({ pool, name: 'logs', holder, forMs: 60_000 });
  const archiver = { pass: async () => void did.push('pass'), rest: () => void did.push('rest') };
  const step = createArchive({ leader, archiver });
  return { did, leader, pass: () => step.pass(new AbortController().signal) };
}

test('one of two replicas keeps logs; when it lets go the other one does, and it rests', async () => {
  const [first, second] = [replica('first'), replica('second')];
  for (const each of [first, second, first, second]) await each.pass();
  expect([first.did, second.did]).toEqual([
    ['pass', 'pass'],
    ['rest', 'rest'],
  ]);
  await first.leader.release();
  for (const each of [second, first]) await each.pass();
  expect([first.did.at(-1), second.did.at(-1)]).toEqual(['rest', 'pass']);
});
