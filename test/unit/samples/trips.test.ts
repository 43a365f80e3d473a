import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { sampleRows, writeTripFile } from '../../../tools/samples/files.ts';
import { tripColumns, tripText } from '../../../tools/samples/trips.ts';

const header =
  'VendorID,tpep_pickup_datetime,tpep_dropoff_datetime,passenger_count,trip_distance,RatecodeID,store_and_fwd_flag,PULocationID,DOLocationID,payment_type,fare_amount,extra,mta_tax,tip_amount,tolls_amount,improvement_surcharge,total_amount,congestion_surcharge';

type Trip = Record<(typeof tripColumns)[number], string>;

function text(month: string, rows = 10_000, seed = 'a'): string {
  return [...tripText({ seed, month, rows })].join('');
}

function trips(month: string, rows?: number): Trip[] {
  const [, ...lines] = text(month, rows).trimEnd().split('\n');
  return lines.map(
    (line) => Object.fromEntries(line.split(',').map((value, index) => [tripColumns[index], value])) as Trip,
  );
}

function share(rows: Trip[], test: (trip: Trip) => boolean): number {
  return rows.filter(test).length / rows.length;
}

test('the same seed makes the same bytes, another seed or month others', () => {
  expect(text('2019-08', 700)).toBe(text('2019-08', 700));
  expect(text('2019-08', 700)).not.toBe(text('2019-08', 700, 'b'));
  expect(text('2019-08', 700)).not.toBe(text('2019-09', 700));
});

test('a file begins with the header of the public files and has the asked number of rows, each with 18 fields', () => {
  const lines = text('2019-03', 1234).trimEnd().split('\n');
  expect(lines[0]).toBe(header);
  expect(lines).toHaveLength(1235);
  expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([18]));
});

test('the months of the sample have about a thousand rows, not all the same number', () => {
  const counts = ['2019-01', '2019-02', '2019-03', '2020-11', '2020-12'].map(sampleRows);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(950);
  expect(Math.max(...counts)).toBeLessThanOrEqual(1050);
  expect(new Set(counts).size).toBeGreaterThan(1);
});

test('about 2% of the trips have no passengers, in 2019-02 far more', () => {
  expect(share(trips('2019-04'), (trip) => trip.passenger_count === '0')).toBeCloseTo(0.02, 1);
  expect(share(trips('2019-02'), (trip) => trip.passenger_count === '0')).toBeCloseTo(0.16, 1);
});

test('from 2019-07 on, and most of all in 2020-05, rows come without what only a meter knows', () => {
  const empty = (trip: Trip) =>
    [trip.VendorID, trip.passenger_count, trip.RatecodeID, trip.store_and_fwd_flag, trip.payment_type].every(
      (value) => value === '',
    );
  expect(share(trips('2019-06'), empty)).toBe(0);
  expect(share(trips('2019-07'), empty)).toBeGreaterThan(0);
  expect(share(trips('2020-05'), empty)).toBeCloseTo(0.17, 1);
});

test('congestion_surcharge is mostly empty in 2019-01 and never afterwards', () => {
  const empty = (trip: Trip) => trip.congestion_surcharge === '';
  expect(share(trips('2019-01'), empty)).toBeGreaterThan(0.5);
  expect(share(trips('2019-02'), empty)).toBe(0);
});

test('some amounts are negative and some pickups lie outside of the month', () => {
  const rows = trips('2019-05');
  expect(rows.some((trip) => Number(trip.total_amount) < 0)).toBe(true);
  expect(rows.some((trip) => !trip.tpep_pickup_datetime.startsWith('2019-05'))).toBe(true);
  expect(share(rows, (trip) => trip.tpep_pickup_datetime.startsWith('2019-05'))).toBeGreaterThan(0.99);
});

test('the total of a trip is the sum of its parts', () => {
  for (const trip of trips('2020-02', 2000)) {
    const parts = [
      trip.fare_amount,
      trip.extra,
      trip.mta_tax,
      trip.tip_amount,
      trip.tolls_amount,
      trip.improvement_surcharge,
    ];
    const cents = [...parts, trip.congestion_surcharge].reduce(
      (sum, amount) => sum + Math.round(Number(amount) * 100),
      0,
    );
    expect(Math.round(Number(trip.total_amount) * 100)).toBe(cents);
  }
});

test('a month is written to a file as gzip', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pipewright-trips-'));
  try {
    const path = join(folder, 'month.csv.gz');
    await writeTripFile(path, { seed: 'a', month: '2021-01', rows: 1500 });
    expect(gunzipSync(await readFile(path)).toString()).toBe(text('2021-01', 1500));
  } finally {
    await rm(folder, { recursive: true });
  }
});
