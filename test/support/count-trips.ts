import { gunzipSync } from 'node:zlib';

export type MonthCount = { month: string; rows: number; total: number };

/** Rows with passengers and the sum of their `total_amount` per file, counted line by line: shares nothing with the product. */
export async function countMonths(url: string): Promise<MonthCount[]> {
  const counts: MonthCount[] = [];
  for (let month = 0; month < 24; month += 1) {
    const name = `${2019 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}`;
    const response = await fetch(`${url}/yellow_tripdata_${name}.csv.gz`);
    const [header, ...lines] = gunzipSync(Buffer.from(await response.arrayBuffer()))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    const columns = (header ?? '').trim().split(',');
    const passengers = columns.indexOf('passenger_count');
    const amount = columns.indexOf('total_amount');
    const paying = lines.map((line) => line.split(',')).filter((fields) => Number(fields[passengers]) > 0);
    // Cents, so that the sum is exact.
    const cents = paying.reduce((sum, fields) => sum + Math.round(Number(fields[amount]) * 100), 0);
    counts.push({ month: name, rows: paying.length, total: cents / 100 });
  }
  return counts;
}
