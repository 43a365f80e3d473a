import { instant, list, map, nullable, object, objectName, priority, ref, type Schema, scalar } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', description, minimum: 0 });

const phases = ['Queued', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped'] as const;
const taskPhases = ['Pending', 'Ready', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped'] as const;
const attemptPhases = ['Claimed', 'Running', 'Succeeded', 'Failed', 'Lost', 'Cancelled'] as const;

const windowBounds = object(
  'Half-open `[start, end)`, UTC.',
  { start: { ...instant, description: 'Inclusive.' }, end: { ...instant, description: 'Exclusive.' } },
  ['start', 'end'],
);

/** What the ledger says of a window besides the outcome of its last run. */
const windowMore: Record<string, Schema> = {
  lateAt: nullable({ ...instant, description: 'Its deadline, when it had not succeeded by then.' }),
  stale: nullable({
    type: 'string',
    description:
      'Why its data is not what today’s run would make; null where it is. `version`: it was made by a version with other code, targets or inputs; `upstream`: a window that it waited for has been made anew since.',
    enum: ['version', 'upstream'],
  }),
  mark: nullable(
    object(
      'Who has marked it by hand, when its phase is that of a mark.',
      {
        by: text('Who.'),
        at: { ...instant, description: 'When.' },
        note: text('Why.'),
      },
      ['by', 'at', 'note'],
    ),
  ),
};

const quiet = object(
  'It has had no success for longer than its schedule lets expect.',
  {
    since: { ...instant, description: 'Since when a success is wanting.' },
    why: {
      type: 'string',
      description: 'What keeps it.',
      enum: ['ScheduleFailed', 'Suspended', 'Failing', 'Busy', 'PassedOver'],
    },
    message: text('The same in a sentence.'),
  },
  ['since', 'why', 'message'],
);

const runFields: Record<string, Schema> = {
  name: text('Its name, such as `yellow-taxi-to-postgres-2019-01`.'),
  pipeline: objectName,
  window: nullable(windowBounds),
  phase: ref('Phase'),
  trigger: { type: 'string', description: 'What made it.', enum: ['schedule', 'manual', 'rerun', 'backfill'] },
  runNo: count('Its number among the runs of the window, from 1.'),
  queuedAt: { ...instant, description: 'When it was queued.' },
  startedAt: nullable({ ...instant, description: 'When its first task was launched.' }),
  finishedAt: nullable({ ...instant, description: 'When it settled.' }),
  reason: nullable(ref('Reason')),
};
const runRequired = Object.keys(runFields);

export const api: Record<string, Schema> = {
  Phase: { type: 'string', description: 'The phase of a run.', enum: [...phases] },
  TaskPhase: { type: 'string', description: 'The phase of a task.', enum: [...taskPhases] },
  AttemptPhase: { type: 'string', description: 'The phase of an attempt.', enum: [...attemptPhases] },
  RunSummary: object('A run in a list.', runFields, runRequired),
  AttemptDetail: object(
    'One try of a task.',
    {
      number: count('From 1.'),
      phase: ref('AttemptPhase'),
      reason: nullable(ref('Reason')),
      message: nullable(text('Why it is in this phase, in a sentence.')),
      startedAt: nullable({ ...instant, description: 'When its runner was launched.' }),
      finishedAt: nullable({ ...instant, description: 'When it settled.' }),
      image: nullable(
        text(
          'The image that ran it, as its node names it: with the digest. Null of processes, and before it is known.',
        ),
      ),
      report: nullable(ref('TaskReport')),
    },
    ['number', 'phase', 'reason', 'message', 'startedAt', 'finishedAt', 'image', 'report'],
  ),
  TaskDetail: object(
    'A task of a run.',
    {
      name: text('Its name: that of its last block.'),
      blocks: list('Its blocks.', text('A block.')),
      needs: list('Tasks it waits for.', text('A task.')),
      phase: ref('TaskPhase'),
      reason: nullable(ref('Reason')),
      attempts: list('Its attempts, oldest first.', ref('AttemptDetail')),
      takenFrom: nullable(text('The run that executed it, where a rerun took it over; else null.')),
      waitsFor: nullable(text('What it waits for while it is ready, in a sentence; null when for nothing.')),
    },
    ['name', 'blocks', 'needs', 'phase', 'reason', 'attempts', 'waitsFor', 'takenFrom'],
  ),
  RunDetail: object(
    'A run with its tasks.',
    {
      ...runFields,
      message: nullable(text('Why it is in this phase, in a sentence.')),
      waitsFor: nullable(text('What it waits for while it is queued, in a sentence.')),
      version: text('Digest of the version it is pinned to.'),
      source: text('The source that it came from.'),
      revision: text('The commit that it came from, or the digest of a folder: the newest at its admission.'),
      file: text('The pipeline’s manifest in that source.'),
      variables: map('Variables given for it.', scalar),
      lateAt: windowMore.lateAt as Schema,
      tasks: list('Its tasks, in topological order.', ref('TaskDetail')),
    },
    [...runRequired, 'message', 'waitsFor', 'version', 'source', 'revision', 'file', 'variables', 'lateAt', 'tasks'],
  ),
  RunList: object(
    'Runs, newest first.',
    { runs: list('The runs.', ref('RunSummary')), next: nullable(text('Pass as `before` for the next page.')) },
    ['runs', 'next'],
  ),
  PipelineSummary: object(
    'A pipeline in a list.',
    {
      name: objectName,
      source: text('The source it comes from.'),
      file: text('Its manifest.'),
      schedule: nullable(text('Its schedule, for reading, such as `every month`.')),
      timeZone: nullable(text('Its zone.')),
      suspended: { type: 'boolean', description: 'True when its schedule is stopped.' },
      ready: {
        type: 'boolean',
        description: 'False when its manifest has problems and the last good version goes on.',
      },
      lastWindow: nullable(windowBounds),
      lastPhase: nullable(ref('Phase')),
      nextDueAt: nullable({ ...instant, description: 'When its next window is due.' }),
      lastSuccess: nullable(
        object(
          'Its newest success: of the newest window that has succeeded; without a schedule the newest run.',
          {
            window: nullable(windowBounds),
            at: nullable({ ...instant, description: 'When its run ended; null when that run is no longer kept.' }),
          },
          ['window', 'at'],
        ),
      ),
      quiet: nullable(quiet),
      activeRuns: count('Runs that are running.'),
      queuedRuns: count('Runs that are queued.'),
      version: text('Digest of its version.'),
    },
    [
      'name',
      'source',
      'file',
      'schedule',
      'timeZone',
      'suspended',
      'ready',
      'lastWindow',
      'lastPhase',
      'nextDueAt',
      'lastSuccess',
      'quiet',
      'activeRuns',
      'queuedRuns',
      'version',
    ],
  ),
  PipelineList: object(
    'All pipelines, by name.',
    {
      pipelines: list('The pipelines.', ref('PipelineSummary')),
      problems: list('Problems of the last sync.', ref('Problem')),
    },
    ['pipelines', 'problems'],
  ),
  WindowRow: object(
    'A window of the ledger.',
    {
      start: { ...instant, description: 'Inclusive.' },
      end: { ...instant, description: 'Exclusive.' },
      label: text('Its label.'),
      dueAt: { ...instant, description: 'When it is or was due.' },
      phase: {
        type: 'string',
        description: 'The phase of its last run, `Missing` without one, `Skipped` when catch-up passed over it.',
        enum: [...phases, 'Missing'],
      },
      reason: nullable(ref('Reason')),
      runNo: count('The number of its last run; 0 without one.'),
      run: nullable(text('The name of its last run.')),
      ...windowMore,
    },
    ['start', 'end', 'label', 'dueAt', 'phase', 'reason', 'runNo', 'run', ...Object.keys(windowMore)],
  ),
  SkippedRange: object(
    'A stretch of windows that was passed over.',
    {
      start: { ...instant, description: 'Inclusive.' },
      end: { ...instant, description: 'Exclusive.' },
      windows: count('How many windows lie in it.'),
      reason: ref('Reason'),
    },
    ['start', 'end', 'windows', 'reason'],
  ),
  WindowList: object(
    'Windows of a pipeline, newest first.',
    {
      pipeline: objectName,
      timeZone: nullable(text('The calendar’s zone; null without a schedule.')),
      windows: list('The windows.', ref('WindowRow')),
      skipped: list('Stretches that were passed over.', ref('SkippedRange')),
      next: nullable(text('Pass as `before` for the next page.')),
    },
    ['pipeline', 'timeZone', 'windows', 'skipped', 'next'],
  ),
  CalendarSpan: object(
    'Every window that begins in a span of time, oldest first, whether or not the ledger has it: also those to come.',
    {
      pipeline: objectName,
      timeZone: nullable(text('The schedule’s zone; null without a schedule.')),
      windows: list('The windows. `Missing` has no run yet.', ref('WindowRow')),
      next: nullable(text('Pass as `from` for the next page.')),
    },
    ['pipeline', 'timeZone', 'windows', 'next'],
  ),
  TaskUsage: object(
    'What the pods of a task used in the last runs of its pipeline, and what had been requested for them.',
    {
      task: text('The task.'),
      attempts: count('How many attempts it is taken from.'),
      peakMemoryBytes: count('The most memory of any of them, in bytes.'),
      requestedMemoryBytes: nullable(count('The request of the last one, in bytes; null without one.')),
      cpuMillis: count('The most processors that any of them used on average, in thousandths.'),
      requestedCpuMillis: nullable(count('The request of the last one, in thousandths; null without one.')),
      suggestion: object('Requests that would fit better, as manifests write them; empty where all fit.', {
        memory: text('A request of memory, such as `768Mi`.'),
        cpu: text('A request of processors, such as `250m`.'),
      }),
    },
    ['task', 'attempts', 'peakMemoryBytes', 'requestedMemoryBytes', 'cpuMillis', 'requestedCpuMillis', 'suggestion'],
  ),
  PipelineUsage: object(
    'What the tasks of a pipeline used. `GET /api/v1/pipelines/NAME/usage`.',
    {
      pipeline: objectName,
      tasks: list('Those of its last runs that ran in pods of runners and told what they used.', ref('TaskUsage')),
    },
    ['pipeline', 'tasks'],
  ),
  RunRequest: object(
    'Asks for a run. `POST /api/v1/runs`.',
    {
      pipeline: objectName,
      window: text(
        'Start of the window: `2019-01`, a date, a local date and time, or an instant. Without it the latest closed window.',
      ),
      variables: map('Values for variables.', scalar),
      priority: { ...priority, description: 'Among runs that wait; that of the pipeline by default.' },
    },
    ['pipeline'],
  ),
  MarkRequest: object(
    'Marks windows by hand: one, or all of `[from, to)`. `POST /api/v1/pipelines/NAME/marks`.',
    {
      window: text('Start of the window, as in a request for a run.'),
      from: text('Instead of `window`: the first one begins at or after it.'),
      to: text('And none crosses it.'),
      as: { type: 'string', description: 'What they are to count as.', enum: ['Succeeded', 'Skipped'] },
      note: { ...text('Why; it is shown with the window.'), minLength: 1, maxLength: 1000 },
    },
    ['as', 'note'],
  ),
  MarkResult: object(
    'What was marked.',
    {
      pipeline: objectName,
      marked: count('How many windows.'),
      window: nullable(text('The label of the window, when one was named.')),
    },
    ['pipeline', 'marked', 'window'],
  ),
  RunRequestResult: object('The run that a request made.', { run: text('Its name.') }, ['run']),
  ApiError: object(
    'Why a request was refused.',
    { error: text('A sentence with the way out.'), code: text('Machine-readable.') },
    ['error', 'code'],
  ),
};
