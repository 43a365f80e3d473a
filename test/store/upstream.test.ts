import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { takeWoken } from '../../controller/store/waits.ts';
import { createHistory, type History } from '../support/history.ts';

let history: History;
let up: Awaited<ReturnType<History['pipeline']>>;
let down: Awaited<ReturnType<History['pipeline']>>;
let calendars: number[];

beforeAll(async () => {
  history = await createHistory();
  up = await history.pipeline('up');
  down = await history.pipeline('down');
  const { rows } = await history.pool.query(
    `insert into calendars (pipeline_id, number, spec, begins_at) select $1, n, '{}', 'epoch' from generate_series(2, 3) n returning id`,
    [up.id],
  );
  calendars = rows.map((row) => row.id);
});
afterAll(() => history.close());
beforeEach(() => history.pool.query('truncate waits, windows, runs'));

const hour = 3_600_000;
const at = (hours: number) => new Date(Date.UTC(2019, 0, 1) + hours * hour);
const phases = ['Succeeded', 'Skipped', 'Failed', 'Cancelled', 'Missing', null] as const;

/** Windows of one calendar after the other; `null` leaves a gap. Mostly done, so that stretches are covered often enough. */
const windowsOf = (calendar: number) =>
  fc
    .array(
      fc.record({
        hours: fc.integer({ min: 1, max: 6 }),
        phase: fc.oneof({ weight: 6, arbitrary: fc.constant('Succeeded' as const) }, fc.constantFrom(...phases)),
        isBusy: fc.boolean(),
      }),
      { maxLength: 10 },
    )
    .map((all) => {
      let end = 0;
      return all.map(({ hours, phase, isBusy }) => {
        const start = end;
        end += hours;
        return { calendar, start, end, phase, reason: phase === 'Skipped' && isBusy ? 'Busy' : null };
      });
    });

const stretches = fc.array(fc.tuple(fc.integer({ min: -2, max: 30 }), fc.integer({ min: 1, max: 12 })), {
  minLength: 1,
  maxLength: 12,
});

type Drawn = { calendar: number; start: number; end: number; phase: (typeof phases)[number]; reason: string | null };

/** Asks of every hour whether a window that is done holds it. */
function isCovered(windows: readonly Drawn[], from: number, to: number): boolean {
  const done = windows.filter(({ phase, reason }) => phase === 'Succeeded' || (phase === 'Skipped' && reason === null));
  return Array.from({ length: to - from }, (_, index) => from + index).every((hour) =>
    done.some(({ start, end }) => start <= hour && hour < end),
  );
}

async function ask(windows: readonly Drawn[], asked: readonly (readonly [number, number])[]): Promise<boolean[]> {
  const { pool } = history;
  await pool.query('truncate waits, windows, runs');
  await pool.query(
    `insert into windows (pipeline_id, calendar_id, start_at, end_at, label, due_at, phase, reason)
     select $1, calendar, start, "end", 'w', "end", phase, reason
     from jsonb_to_recordset($2) as w(calendar bigint, start timestamptz, "end" timestamptz, phase text, reason text)`,
    [
      up.id,
      JSON.stringify(
        windows
          .filter(({ phase }) => phase !== null)
          .map((one) => ({ ...one, start: at(one.start), end: at(one.end) })),
      ),
    ],
  );
  await pool.query(
    `with asked as (
       select new_run_id() as id, a.* from jsonb_to_recordset($2) as a(place int, "from" timestamptz, "to" timestamptz)
     ), queued as (
       insert into runs (id, name, pipeline_id, version_id, run_no, trigger) select id, place, $3, $4, 1, 'manual' from asked
     )
     insert into waits (run_id, block, version_id, pipeline_id, from_at, to_at, kind, give_up_at)
     select id, 'ready', $4, $1, "from", "to", 'covering', now() + interval '1 day' from asked`,
    [
      up.id,
      JSON.stringify(asked.map(([from, hours], place) => ({ place, from: at(from), to: at(from + hours) }))),
      down.id,
      down.versionId,
    ],
  );
  const client = await pool.connect();
  const found = await takeWoken(client, 100);
  client.release();
  return asked.map((_, place) => found.find(({ run }) => run === String(place))?.isOver === true);
}

test('a stretch is covered exactly when every instant of it lies in a window that is done', async () => {
  await fc.assert(
    fc.asyncProperty(windowsOf(0), stretches, async (windows, asked) => {
      const placed = windows.map((one) => ({ ...one, calendar: calendars[0] as number }));
      const expected = asked.map(([from, hours]) => isCovered(placed, from, from + hours));
      expect(await ask(placed, asked)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('and where calendars overlap, their windows cover it together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(windowsOf(0), windowsOf(1)).map((both) => both.flat()),
      stretches,
      async (windows, asked) => {
        const placed = windows.map((one) => ({ ...one, calendar: calendars[one.calendar] as number }));
        const expected = asked.map(([from, hours]) => isCovered(placed, from, from + hours));
        expect(await ask(placed, asked)).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});
