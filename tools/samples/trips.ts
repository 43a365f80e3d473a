import { createRandom, type Random } from './random.ts';

/** The columns of the TLC's yellow-taxi files, in their order. */
export const tripColumns = [
  'VendorID',
  'tpep_pickup_datetime',
  'tpep_dropoff_datetime',
  'passenger_count',
  'trip_distance',
  'RatecodeID',
  'store_and_fwd_flag',
  'PULocationID',
  'DOLocationID',
  'payment_type',
  'fare_amount',
  'extra',
  'mta_tax',
  'tip_amount',
  'tolls_amount',
  'improvement_surcharge',
  'total_amount',
  'congestion_surcharge',
] as const;

/** `month` is `YYYY-MM`; `rows` counts lines without the header. */
export type TripOptions = { seed: string; month: string; rows: number };

const linesPerBatch = 500;

/**
 * The text of a file of made-up trips, header first, some hundred lines at a time. What is awkward in the public files is
 * here in the same proportions: no passengers, empty fields in the rows that came without a meter (from 2019-07), negative
 * amounts, an empty surcharge in 2019-01, pickups outside of the month.
 */
export function* tripText({ seed, month, rows }: TripOptions): Generator<string> {
  const random = createRandom(`${seed}/${month}`);
  const shape = monthShape(month);
  yield `${tripColumns.join(',')}\n`;
  for (let done = 0; done < rows; done += linesPerBatch) {
    let batch = '';
    for (let line = Math.min(linesPerBatch, rows - done); line > 0; line--) batch += tripLine(random, shape);
    yield batch;
  }
}

type MonthShape = {
  startMs: number;
  lengthMs: number;
  meterless: number;
  noPassengers: number;
  emptySurcharge: number;
};

function monthShape(month: string): MonthShape {
  const year = Number(month.slice(0, 4));
  const index = Number(month.slice(5)) - 1;
  const startMs = Date.UTC(year, index);
  return {
    startMs,
    lengthMs: Date.UTC(year, index + 1) - startMs,
    meterless: meterlessShare(month),
    noPassengers: month === '2019-02' ? 0.16 : 0.02,
    emptySurcharge: month === '2019-01' ? 0.63 : 0,
  };
}

function meterlessShare(month: string): number {
  if (month < '2019-07') return 0;
  if (month < '2020-03') return 0.01;
  return month === '2020-05' ? 0.17 : 0.08;
}

const rideHours = [34, 22, 13, 10, 8, 10, 20, 34, 43, 48, 49, 48, 52, 53, 59, 57, 53, 58, 67, 61, 58, 52, 52, 41];
const hours = rideHours.map((weight, hour) => [weight, hour] as const);
const passengers = [
  [73, '1'],
  [15, '2'],
  [4, '3'],
  [2, '4'],
  [4, '5'],
  [2, '6'],
] as const;
const rateCodes = [
  [960, '1'],
  [28, '2'],
  [3, '3'],
  [1, '4'],
  [6, '5'],
] as const;
const payments = [
  [713, '1'],
  [280, '2'],
  [5, '3'],
  [2, '4'],
] as const;
const busyZones = [161, 186, 237, 132, 162, 170, 230, 48, 234, 138, 236, 142, 164, 79, 163, 68].map(
  (zone) => [1, zone] as const,
);
const extras = [
  [36, 0],
  [19, 50],
  [11, 100],
  [17, 250],
  [10, 300],
  [6, 350],
  [1, 275],
] as const;

function tripLine(random: Random, shape: MonthShape): string {
  const meter = !random.chance(shape.meterless);
  const vendor = random.chance(0.35) ? '1' : '2';
  const pickupMs = pickupTime(random, shape);
  const tenths = Math.ceil(4 + 120 * random.next() ** 3 + (random.chance(0.05) ? random.integer(50, 200) : 0));
  const miles = vendor === '1' ? tenths * 10 : tenths * 10 + random.integer(-3, 6);
  const dropoffMs = pickupMs + (120 + Math.round(tenths * random.integer(15, 35))) * 1000;
  const payment = random.pick(payments);
  const noPassengers = random.chance(shape.noPassengers);
  const fields = [
    meter ? vendor : '',
    clock(pickupMs),
    clock(dropoffMs),
    meter ? (noPassengers ? '0' : random.pick(passengers)) : '',
    decimal(miles),
    meter ? random.pick(rateCodes) : '',
    meter ? (random.chance(0.008) ? 'Y' : 'N') : '',
    zone(random),
    zone(random),
    meter ? payment : '',
    ...amounts(random, shape, { tenths, meter, card: payment === '1' }),
  ];
  return `${fields.join(',')}\n`;
}

/** One in a thousand lies outside of the month, as with a meter whose clock is wrong. */
function pickupTime(random: Random, { startMs, lengthMs }: MonthShape): number {
  const day = Math.floor(random.next() * (lengthMs / 86_400_000));
  const inMonth = startMs + day * 86_400_000 + random.pick(hours) * 3_600_000 + random.integer(0, 3599) * 1000;
  if (!random.chance(0.001)) return inMonth;
  return random.chance(0.5) ? startMs - random.integer(1, 600) * 1000 : inMonth - 11 * 366 * 86_400_000;
}

/** fare, extra, mta_tax, tip, tolls, improvement_surcharge, total, congestion_surcharge. */
function amounts(random: Random, shape: MonthShape, ride: { tenths: number; meter: boolean; card: boolean }): string[] {
  const sign = ride.meter && random.chance(0.003) ? -1 : 1;
  const fare = ride.meter
    ? 250 + Math.round((ride.tenths * 32) / 50) * 50
    : 250 + ride.tenths * 30 + random.integer(0, 99);
  const extra = random.pick(extras);
  const tax = random.chance(0.01) ? 0 : 50;
  const tip = ride.card && sign > 0 ? Math.round(fare * (0.1 + random.next() * 0.25)) : 0;
  const tolls = random.chance(0.06) ? 612 : 0;
  const surcharge = random.chance(0.9) ? 250 : 0;
  const total = fare + extra + tax + tip + tolls + 30 + (shape.emptySurcharge > 0 ? 0 : surcharge);
  const last = random.chance(shape.emptySurcharge) ? '' : decimal(shape.emptySurcharge > 0 ? 0 : sign * surcharge);
  return [...[fare, extra, tax, tip, tolls, 30, total].map((cents) => decimal(sign * cents)), last];
}

function zone(random: Random): string {
  return String(random.chance(0.55) ? random.pick(busyZones) : random.integer(1, 265));
}

/** `650` → `6.5`, `0` → `0.0`: hundredths as the public files print them. */
function decimal(hundredths: number): string {
  return hundredths % 100 === 0 ? `${hundredths / 100}.0` : String(hundredths / 100);
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
