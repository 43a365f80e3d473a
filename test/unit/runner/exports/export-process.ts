/** An export in a process of its own, which a test kills or freezes: `node export-process.ts '{…}'`; prints the outcome as JSON. */
import { exportPostgres } from '../../../../runner/exports/postgres.ts';
import { createFailpoint } from '../../../../schemas/failpoints.ts';
import { connectTo, type ExportInput, orderOf, relationOf } from './support.ts';

const { url, table, write, rows, claim } = JSON.parse(process.argv[2] ?? '{}') as ExportInput;

try {
  const result = await exportPostgres({
    spec: { connection: 'warehouse', table, write },
    block: 'warehouse',
    order: orderOf(claim),
    relation: await relationOf(rows),
    connection: connectTo(url),
    timeZone: 'UTC',
    beforeCommit: async () => {},
    signal: new AbortController().signal,
    log: () => {},
    failpoint: createFailpoint(process.env),
  });
  process.stdout.write(JSON.stringify(result));
} catch (error) {
  process.stdout.write(JSON.stringify({ reason: (error as { reason?: string }).reason, message: String(error) }));
}
