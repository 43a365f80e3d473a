/**
 * One month of trips at full size into a Postgres table: `psql`'s \copy of the file against `run --local` and against a run
 * of the controller, by turns, into the same server. `npm run bench -- [--rounds 5] [--rows 1369765] [--json FILE]`
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Contender, createContenders, type Measured } from './contenders.ts';
import { createGround } from './ground.ts';
import { missingPrograms } from './programs.ts';
import { fingerprint } from './tables.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '1369765' },
    only: { type: 'string', default: 'psql,local,start' },
    'no-double': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});

type Result = { contender: string; rows: number } & Measured;

const missing = missingPrograms(['psql', 'curl', 'gunzip']);
if (missing.length > 0) {
  console.error(
    `not on the PATH: ${missing.join(', ')}; install them to measure against psql (Debian: apt install postgresql-client curl gzip)`,
  );
  process.exit(2);
}

const results = [...(await measure(Number(values.rows), Number(values.rounds)))];
if (!values['no-double']) results.push(...(await measure(Number(values.rows) * 2, 2)));
console.log(`\n${summary(results)}`);
if (values.json) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);

async function measure(rows: number, rounds: number): Promise<Result[]> {
  const ground = await createGround(rows);
  const measured: Result[] = [];
  const contenders: Contender[] = [];
  try {
    contenders.push(...(await createContenders(ground)).filter(({ name }) => values.only.split(',').includes(name)));
    const prints = new Map<string, string>();
    for (let round = 0; round < rounds; round++) {
      // The order is turned round each time, so that a warm cache or a busy machine favours nobody.
      for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
        await ground.empty();
        const result = { contender: contender.name, rows, ...(await contender.run()) };
        measured.push(result);
        console.log(line(result));
        prints.set(contender.name, await fingerprint(ground, contender.table));
      }
    }
    if (new Set(prints.values()).size > 1)
      throw new Error(`the tables differ: ${JSON.stringify([...prints], null, 2)}`);
    return measured;
  } finally {
    for (const contender of contenders) await contender.close();
    await ground.close();
  }
}

function line({ contender, rows, seconds, peakBytes }: Result): string {
  const peak = peakBytes === null ? '' : `  peak ${megabytes(peakBytes)}`;
  return `${contender.padEnd(6)} ${rows.toLocaleString('en')} rows  ${seconds.toFixed(2)} s${peak}`;
}

function summary(all: Result[]): string {
  const groups = Map.groupBy(all, ({ contender, rows }) => `${contender} ${rows}`);
  const lines = [...groups.values()].map((group) => {
    const [{ contender, rows }] = group as [Result];
    const seconds = median(group.map((result) => result.seconds));
    const baseline = median((groups.get(`psql ${rows}`) ?? []).map((result) => result.seconds));
    const peaks = group.flatMap(({ peakBytes }) => peakBytes ?? []);
    const peak = peaks.length === 0 ? '' : megabytes(Math.max(...peaks));
    return [contender, rows.toLocaleString('en'), `${seconds.toFixed(2)} s`, (seconds / baseline).toFixed(2), peak];
  });
  const table = [['', 'rows', 'median', '× psql', 'peak memory'], ...lines];
  return table
    .map((cells) => cells.map((cell, index) => (index === 0 ? cell.padEnd(8) : cell.padStart(12))).join(''))
    .join('\n');
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
