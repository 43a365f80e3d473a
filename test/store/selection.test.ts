import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSelection } from '../../controller/store/reads-selection.ts';
import { createHistory, type History } from '../support/history.ts';

let history: History;
const month = (number: string) => ({
  start: `2019-${number}-01T00:00:00Z`,
  end: `2019-${number}-28T00:00:00Z`,
  label: `2019-${number}`,
});

beforeAll(async () => {
  history = await createHistory();
  const [red, yellow, other] = [
    await history.pipeline('taxi-red'),
    await history.pipeline('taxi-yellow'),
    await history.pipeline('taxi_other'),
  ];
  const failed = { phase: 'Failed', reason: 'OutOfMemory' } as const;
  await history.window(red, month('01'), await history.run(red, { ...failed, window: month('01') }));
  // This one succeeded at the second try, that one failed again, the third has not ended.
  await history.run(red, { ...failed, window: month('02') });
  await history.window(red, month('02'), await history.run(red, { window: month('02'), runNo: 2 }));
  await history.run(red, { ...failed, window: month('03') });
  await history.window(red, month('03'), await history.run(red, { ...failed, window: month('03'), runNo: 2 }));
  await history.run(red, { ...failed, window: month('04') });
  await history.window(red, month('04'), await history.run(red, { phase: 'Queued', window: month('04'), runNo: 2 }));
  await history.window(
    yellow,
    month('01'),
    await history.run(yellow, { phase: 'Failed', reason: 'TimedOut', window: month('01') }),
  );
  const first = await history.run(other, { ...failed, name: 'taxi_other-m1' });
  const second = await history.run(other, { ...failed, name: 'taxi_other-m2' });
  await history.pool.query('update runs set rerun_of = $2 where id = $1', [second.id, first.id]);
});
afterAll(() => history.close());

const select = async (selector: Partial<Parameters<typeof readSelection>[1]>) => {
  const { runs, more } = await readSelection(history.pool, { phases: ['Failed'], ...selector });
  expect(more).toBe(false);
  return runs.map(({ name }) => name);
};

test('a selection leaves out windows whose newest run has succeeded or goes on, and runs that were run again', async () => {
  expect(await select({})).toEqual(['taxi-red-2019-01', 'taxi-red-2019-03-2', 'taxi-yellow-2019-01', 'taxi_other-m2']);
});

test('it is by reason, by phase and by time', async () => {
  expect(await select({ reason: 'TimedOut' })).toEqual(['taxi-yellow-2019-01']);
  expect(await select({ phases: ['Queued', 'Running'] })).toEqual(['taxi-red-2019-04-2']);
  const { rows } = await history.pool.query(
    `select now() + interval '1 minute' as later, now() - interval '1 hour' as before`,
  );
  expect(await select({ since: rows[0].later })).toEqual([]);
  expect(await select({ since: rows[0].before, reason: 'TimedOut' })).toEqual(['taxi-yellow-2019-01']);
});

test('in the name of the pipeline * is any text, and everything else is itself', async () => {
  expect(await select({ pipeline: 'taxi-*' })).toEqual([
    'taxi-red-2019-01',
    'taxi-red-2019-03-2',
    'taxi-yellow-2019-01',
  ]);
  expect(await select({ pipeline: '*yellow' })).toEqual(['taxi-yellow-2019-01']);
  expect(await select({ pipeline: 'taxi_*' })).toEqual(['taxi_other-m2']);
});
