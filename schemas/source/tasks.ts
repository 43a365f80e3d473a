import { blockName, instant, list, map, nullable, object, objectName, ref, type Schema, scalar } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', description, minimum: 0 });

export const tasks: Record<string, Schema> = {
  OrderWindow: object(
    'The window that the run is for.',
    {
      start: { ...instant, description: 'Start of the window, inclusive.' },
      end: { ...instant, description: 'End of the window, exclusive.' },
      previousStart: { ...instant, description: 'Start of the window before it.' },
      previousEnd: { ...instant, description: 'End of the window before it.' },
      nextEnd: { ...instant, description: 'End of the window after it.' },
      label: text('Its label in names, such as `2019-01`.'),
    },
    ['start', 'end', 'previousStart', 'previousEnd', 'nextEnd', 'label'],
  ),
  TaskOrder: object(
    'What the controller hands to a runner. Small: the work itself lies in the bundle.',
    {
      attemptId: text('Identity of the attempt: `<run id>.<task>.<attempt>`; safe as a file name.'),
      ledgerId: text(
        'Identity of the store, part of the fence’s key at the target; empty for `run --local`, which only locks.',
      ),
      pipeline: objectName,
      run: object(
        'The run.',
        {
          id: count('Identity of the run.'),
          name: text('Its name.'),
          runNo: count('Its number among the runs of the window, from 1; 1 without a window.'),
          trigger: text('`schedule`, `manual` or `rerun`.'),
        },
        ['id', 'name', 'runNo', 'trigger'],
      ),
      task: blockName,
      attempt: count('Number of the attempt, from 1.'),
      window: nullable(ref('OrderWindow')),
      variables: map('Variables given for this run; declared defaults fill the rest.', scalar),
      outputs: map(
        'What containers upstream have said, by block; absent where there are none.',
        map('Its outputs by name.', scalar),
      ),
      bundle: object(
        'Where the bundle lies.',
        { digest: text('Its digest.'), path: text('Absolute path of its JSON.') },
        ['digest', 'path'],
      ),
      artifacts: text('Absolute path of the folder that holds this run’s artifacts, `BLOCK.parquet` each.'),
      taken: map(
        'Only in a rerun: blocks of tasks that it took over, with the run whose artifacts hold their rows. The folder of a run lies beside that of any other, and its id is its name.',
        count('Identity of that run.'),
      ),
      timeoutMs: nullable(count('The longest this attempt may take, in milliseconds.')),
      heartbeatMs: count('The runner rewrites its `beat` file this often, in milliseconds.'),
    },
    [
      'attemptId',
      'ledgerId',
      'pipeline',
      'run',
      'task',
      'attempt',
      'window',
      'variables',
      'bundle',
      'artifacts',
      'timeoutMs',
      'heartbeatMs',
    ],
  ),
  CheckResult: object(
    'The outcome of a check.',
    {
      name: text('Its name.'),
      severity: { type: 'string', description: 'Its severity.', enum: ['error', 'warn'] },
      failedRows: count('How many rows failed.'),
      passed: { type: 'boolean', description: 'True when none failed.' },
    },
    ['name', 'severity', 'failedRows', 'passed'],
  ),
  BlockReport: object(
    'What one block did.',
    {
      name: blockName,
      kind: text('`load.http`, `transform.sql`, `export.postgres`, …'),
      rows: nullable(count('Rows of a load or an export; null where the block was fused and not counted.')),
      bytes: nullable(count('Bytes read by a load (as transferred) or sent by an export; null where unknown.')),
      durationMs: nullable(
        count('Time spent in it, in milliseconds; null where it ran inside another block’s statement.'),
      ),
      checks: list('Outcomes of its checks.', ref('CheckResult')),
      note: text('A remark, such as `already committed by attempt 1`.'),
    },
    ['name', 'kind', 'rows', 'bytes', 'durationMs', 'checks'],
  ),
  Sample: object(
    'The first ten rows of the task’s last relation.',
    {
      block: blockName,
      columns: list(
        'Its columns.',
        object('A column.', { name: text('Its name.'), type: text('Its DuckDB type.') }, ['name', 'type']),
      ),
      rows: list(
        'Rows of values as text; null is null.',
        list('A row.', { description: 'A value as text.', type: ['string', 'null'] }),
      ),
    },
    ['block', 'columns', 'rows'],
  ),
  Usage: object(
    'What the pod of an attempt used, by its cgroup, and what had been requested for it. Only of runners in pods.',
    {
      peakMemoryBytes: count('The most memory that it could not have given back, in bytes.'),
      cpuMs: count('Time of processors, in milliseconds.'),
      requestedMemoryBytes: nullable(count('Its request of memory, in bytes; null without one.')),
      requestedCpuMillis: nullable(count('Its request of processors, in thousandths; null without one.')),
    },
    ['peakMemoryBytes', 'cpuMs', 'requestedMemoryBytes', 'requestedCpuMillis'],
  ),
  TaskError: object(
    'Why a task failed, for a person.',
    {
      message: text('One sentence with the way out.'),
      block: text('The block.'),
      file: text('The file in the source.'),
      line: count('The line in it.'),
      column: count('The column in it.'),
    },
    ['message'],
  ),
  TaskReport: object(
    'What a runner says of an attempt, once, at its end.',
    {
      attemptId: text('The attempt.'),
      outcome: { type: 'string', description: 'How it ended.', enum: ['Succeeded', 'Failed', 'Cancelled'] },
      reason: nullable(ref('Reason')),
      error: ref('TaskError'),
      startedAt: instant,
      finishedAt: instant,
      durationMs: count('Time from start to end, in milliseconds.'),
      peakMemoryBytes: nullable(count('Peak resident memory of the runner’s process, in bytes.')),
      blocks: list('What each block did.', ref('BlockReport')),
      sample: nullable(ref('Sample')),
      outputs: map('What a container has said, by name; only of containers.', scalar),
      usage: ref('Usage'),
      partial: { type: 'boolean', description: 'True when this is the small form and the full one was lost.' },
    },
    [
      'attemptId',
      'outcome',
      'reason',
      'startedAt',
      'finishedAt',
      'durationMs',
      'peakMemoryBytes',
      'blocks',
      'sample',
      'partial',
    ],
  ),
};
