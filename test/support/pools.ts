import type { TestLedger } from './ledger.ts';

/** A Pool manifest. */
export function poolManifest(name: string, slots: number): string {
  return `apiVersion: pipewright.dev/v1alpha1\nkind: Pool\nmetadata: { name: ${name} }\nspec: { slots: ${slots} }\n`;
}

/** Blocks of inline rows, one task each, with lines of YAML put into each: `[['one', 'pool: gpu']]`. */
export function blocks(...given: (readonly [name: string, more?: string])[]): string {
  return given
    .map(
      ([name, more]) =>
        `    - name: ${name}\n      isolate: true\n      load: { inline: { rows: [{ n: 1 }] } }\n${more ? `      ${more}\n` : ''}`,
    )
    .join('');
}

/** How many slots of each pool are held, counted from what runs; none where it is none. */
export async function heldSlots(ledger: TestLedger): Promise<Record<string, number>> {
  const rows = await ledger.query(
    `select o.name, count(*)::int as held from pools o join (
       select pool_id from runs where phase = 'Running' and pool_id is not null
       union all select pool_id from attempts where phase in ('Claimed', 'Running') and pool_id is not null
     ) h on h.pool_id = o.id group by 1`,
  );
  return Object.fromEntries(rows.map(({ name, held }) => [name, held]));
}

/** The names of the runs that are running, in order. */
export async function runningRuns(ledger: TestLedger): Promise<string[]> {
  return (await ledger.query(`select name from runs where phase = 'Running' order by name`)).map(({ name }) => name);
}
