import type { CompiledBlock, Export } from '../schemas/generated/types.ts';
import { TaskFailure } from './errors.ts';
import { countText, sizeText } from './progress.ts';
import { streamRelation } from './stream.ts';
import { note, type Task, timed } from './task.ts';

/** Streams the relation that an export reads into its target, which commits when the relation's checks have passed. */
export async function runExport(
  task: Task,
  block: CompiledBlock,
  spec: Export['postgres'],
  checked: ReadonlySet<string>,
): Promise<void> {
  const [source] = block.from;
  if (source === undefined) throw new TaskFailure('InternalError', 'the export reads from no block');
  const { name } = block;
  const { order, bundle, signal, failpoint, log } = task;
  const relation = streamRelation(task, source, checked.has(source));
  const result = await timed(task, name, async () => {
    const connection = await task.connections.postgres(spec.connection);
    const { exportPostgres } = await import('./exports/postgres.ts');
    return exportPostgres({
      spec,
      block: name,
      order,
      relation,
      connection,
      timeZone: bundle.timeZone,
      beforeCommit: async () => relation.requirePassed(),
      signal,
      log: (line) => log(`${name}: ${line}`),
      progress: (done) => task.progress({ block: name, totalBytes: null, ...done }),
      failpoint,
    });
  });
  note(task, name, result);
  const written = `${countText(result.rows)} rows, ${sizeText(result.bytes)} written to ${spec.table}`;
  log(`${name}: ${result.note ?? written}`);
}
