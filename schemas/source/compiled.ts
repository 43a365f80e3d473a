import { blockName, list, map, nullable, object, objectName, priority, ref, type Schema, scalar } from './common.ts';
import { podSettings } from './pods.ts';

const ms = (description: string): Schema => ({
  type: 'integer',
  description: `${description}, in milliseconds.`,
  minimum: 0,
});
const text = (description: string): Schema => ({ type: 'string', description });
const digest = (description: string): Schema => ({
  type: 'string',
  description: `${description}: sha256, hex.`,
  pattern: '^[0-9a-f]{64}$',
});

/** What the compiler makes of manifests, and what runner and controller read. Never written by hand. */
export const compiled: Record<string, Schema> = {
  PodSettings: podSettings,
  CalendarSpec: object(
    'What cuts time into windows. Another spec is another calendar.',
    {
      every: object(
        'Windows of one length.',
        {
          count: { type: 'integer', description: 'How many units.', minimum: 1 },
          unit: {
            type: 'string',
            description: 'The unit.',
            enum: ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'],
          },
        },
        ['count', 'unit'],
      ),
      cron: list('Texts of five fields; windows lie between their ticks.', text('Five fields.')),
      blackoutDates: list('Local dates without ticks, as `2026-12-25`.', text('A date.')),
      gap: {
        type: 'string',
        description: 'What becomes of a time of the day that clocks leave out; absent: `shift`.',
        enum: ['shift', 'skip'],
      },
      overlap: {
        type: 'string',
        description: 'Which of a time of the day that clocks show twice ticks; absent: `first`.',
        enum: ['first', 'second', 'both'],
      },
      timeZone: text('An IANA zone.'),
      anchor: text(
        'Where multiples of a unit are counted from: a local date and time. Absent for single units and cron.',
      ),
    },
    ['timeZone'],
  ),
  CompiledSchedule: object(
    'A calendar and the policies around it.',
    {
      calendar: ref('CalendarSpec'),
      startAt: nullable(text('RFC 3339, UTC; null: the first sync.')),
      endAt: nullable(text('RFC 3339, UTC; no window crosses it.')),
      delayMs: ms('Due this long after the window closed'),
      deadlineMs: nullable(ms('Late this long after due')),
      catchUp: { type: 'string', description: 'What to do with missed windows.', enum: ['none', 'latest', 'all'] },
      catchUpLimits: object('Only with `all`; absent without limits.', {
        maxWindows: { type: 'integer', description: 'Of those missed at once, how many run: the newest.', minimum: 1 },
        rate: object(
          'How many are queued at most.',
          {
            windows: { type: 'integer', description: 'So many.', minimum: 1 },
            everyMs: ms('In each stretch of this length'),
          },
          ['windows', 'everyMs'],
        ),
        order: { type: 'string', description: 'Absent: the oldest first.', enum: ['newest'] },
      }),
    },
    ['calendar', 'startAt', 'endAt', 'delayMs', 'deadlineMs', 'catchUp'],
  ),
  RetryPolicy: object(
    'Further attempts after failed ones.',
    {
      limit: { type: 'integer', description: 'How many further attempts.', minimum: 0 },
      initialMs: ms('The first wait'),
      factor: { type: 'number', description: 'What each further wait is multiplied by.', minimum: 1 },
      maxMs: ms('The longest wait'),
    },
    ['limit', 'initialMs', 'factor', 'maxMs'],
  ),
  CompiledBlock: object(
    'A block as the runner reads it: `use` is resolved, SQL files are read into the bundle’s `files`.',
    {
      name: blockName,
      from: list('Blocks whose rows it reads.', blockName),
      needs: list('Blocks that must have succeeded first.', blockName),
      when: text('CEL; false skips.'),
      use: objectName,
      parameters: map(
        'Only with `use`: parameter name to value or template, to be evaluated in the pipeline’s scope. The body sees only these and `window.*`.',
        scalar,
      ),
      parameterTypes: map('Only with `use`: parameter name to type.', ref('Parameter')),
      load: ref('Load'),
      transform: ref('Transform'),
      export: ref('Export'),
      container: ref('Container'),
      wait: ref('Wait'),
      checks: list('Assertions about its rows.', ref('Check')),
      origin: object(
        'Where its body stands, for messages.',
        {
          file: text('Path in the source.'),
          line: { type: 'integer', description: 'Line, from 1.' },
          column: { type: 'integer', description: 'Column, from 1.' },
        },
        ['file', 'line', 'column'],
      ),
    },
    ['name', 'from', 'needs', 'checks', 'origin'],
  ),
  CompiledWait: object(
    'What a run waits for before it is admitted. A task with it has no attempts.',
    {
      pipeline: objectName,
      window: { type: 'string', description: 'Which of its windows.', enum: ['covering', 'same', 'previous'] },
      timeoutMs: ms('The longest wait'),
    },
    ['pipeline', 'window', 'timeoutMs'],
  ),
  CompiledTask: object(
    'A block or a fused chain of blocks, as executed.',
    {
      name: { ...blockName, description: 'The name of its last block.' },
      blocks: list('Names of its blocks, in topological order.', blockName, { minItems: 1 }),
      needs: list('Names of the tasks that must have succeeded first.', blockName),
      inputs: list('Blocks of other tasks whose rows it reads from the artifact store.', blockName),
      outputs: list('Its blocks whose rows other tasks read, to be written to the artifact store.', blockName),
      when: text('CEL; false skips.'),
      retry: ref('RetryPolicy'),
      timeoutMs: nullable(ms('The longest an attempt may take')),
      pool: { ...objectName, description: 'The Pool that its attempts take a slot of; absent: none.' },
      pod: ref('PodSettings'),
      wait: ref('CompiledWait'),
    },
    ['name', 'blocks', 'needs', 'inputs', 'outputs', 'retry', 'timeoutMs'],
  ),
  Bundle: object(
    'All that a task needs to run, addressed by the digest of its canonical JSON. What is not in it does not change what a run does.',
    {
      pipeline: objectName,
      variables: map('Declared variables.', ref('Parameter')),
      timeZone: text('The zone of `format` and of the engine; UTC without a schedule.'),
      blocks: list('All blocks, in topological order.', ref('CompiledBlock')),
      tasks: list('All tasks, in topological order.', ref('CompiledTask')),
      connections: map('The connections that the blocks name.', ref('ConnectionSpec')),
      files: map('Path in the source to text, for every file the code can read.', text('The file’s text.')),
    },
    ['pipeline', 'variables', 'timeZone', 'blocks', 'tasks', 'connections', 'files'],
  ),
  CompiledPipeline: object(
    'A version: content-addressed by the digest of its canonical JSON, `file` and positions left out.',
    {
      name: objectName,
      file: text('Path of the manifest in the source.'),
      line: { type: 'integer', description: 'Line of the manifest’s `metadata.name`.' },
      description: text('What it is for.'),
      labels: map('Free labels.', text('The label’s value.')),
      schedule: nullable(ref('CompiledSchedule')),
      suspend: {
        type: 'boolean',
        description: 'What the manifest says of its schedule: true stops it. Absent where that is left to kubectl.',
      },
      maxActiveRuns: { type: 'integer', description: 'Runs at once.', minimum: 1 },
      whenBusy: {
        type: 'string',
        description: 'What becomes of due windows then; absent: `queue`.',
        enum: ['queue', 'skip', 'replace'],
      },
      priority: { ...priority, description: 'Of its runs; absent: 0.' },
      pool: { ...objectName, description: 'The Pool that its runs take a slot of; absent: none.' },
      timeoutMs: nullable(ms('The longest a run may take')),
      digest: digest('Identity of the version'),
      bundleDigest: digest('Identity of the bundle'),
      dataDigest: digest('Identity of what decides which data its runs make: code, targets, inputs'),
      bundle: ref('Bundle'),
      manifest: list(
        'The manifests that it is made of, as people wrote them: its own, and the Blocks and Connections that it uses. No part of its digest.',
        ref('ManifestPart'),
      ),
      environment: list('Names of the environment variables that its connections read.', text('A name.')),
      secrets: list(
        'Secrets that its connections name.',
        object('A secret.', { name: text('Its name.'), key: text('The key.') }, ['name', 'key']),
      ),
    },
    [
      'name',
      'file',
      'line',
      'labels',
      'schedule',
      'maxActiveRuns',
      'timeoutMs',
      'digest',
      'bundleDigest',
      'dataDigest',
      'bundle',
      'manifest',
      'environment',
      'secrets',
    ],
  ),
  CompiledPool: object(
    'A pool of the source.',
    {
      name: objectName,
      slots: { type: 'integer', description: 'How many.', minimum: 0 },
      description: text('What for.'),
    },
    ['name', 'slots'],
  ),
  Problem: object(
    'Something in a manifest that a person must mend.',
    {
      file: text('Path in the source.'),
      line: { type: 'integer', description: 'Line, from 1.', minimum: 1 },
      column: { type: 'integer', description: 'Column, from 1.', minimum: 1 },
      code: text('A machine-readable code, such as `unknown-field`; see the reference.'),
      message: text('One sentence: the subject, the fact, the way out.'),
      pipeline: text('The pipeline that it stops, where known.'),
      frame: text('The lines around it.'),
      source: text('Where the controller tells of it: the source that has it.'),
      revision: text('And the commit in which it was first seen, for a source in Git.'),
      author: text('And who made that commit, as `Name <mail>`.'),
    },
    ['file', 'line', 'column', 'code', 'message'],
  ),
};
