import { instant, list, map, nullable, object, objectName, ref, type Schema, scalar } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', description, minimum: 0 });

const backfillFields: Record<string, Schema> = {
  name: text('Its name.'),
  pipeline: objectName,
  from: { ...instant, description: 'Start of its range.' },
  to: { ...instant, description: 'End of its range, exclusive.' },
  rerun: ref('Rerun'),
  order: { type: 'string', description: 'Which windows come first.', enum: ['oldest', 'newest'] },
  version: { type: 'string', description: 'Which version its runs have.', enum: ['head', 'original'] },
  maxActiveRuns: nullable(count('Its own limit; null: its runs count among the pipeline’s.')),
  priority: { type: 'integer', description: 'Of its runs, added to that of the pipeline.' },
  phase: {
    type: 'string',
    description: 'Its phase. Failed: every window has ended, and not all succeeded.',
    enum: ['Running', 'Succeeded', 'Failed', 'Cancelled'],
  },
  reason: { ...nullable(ref('Reason')), description: 'Why it has ended as it has.' },
  message: nullable(text('The same in a sentence.')),
  suspended: { type: 'boolean', description: 'True while no further runs are queued.' },
  windows: object(
    'How far its windows are.',
    Object.fromEntries(
      Object.entries({
        total: 'All.',
        waiting: 'Without a run so far.',
        live: 'With a run that is queued or runs.',
        succeeded: 'Succeeded or skipped.',
        failed: 'Failed.',
        cancelled: 'Cancelled.',
      }).map(([name, description]) => [name, count(description)]),
    ),
    ['total', 'waiting', 'live', 'succeeded', 'failed', 'cancelled'],
  ),
  ratePerMinute: nullable({
    type: 'number',
    description: 'Windows whose runs ended per minute: of the last ten minutes, or all along where those are few.',
  }),
  expectedEndAt: nullable({ ...instant, description: 'When it ends at that rate.' }),
  actor: text('Who asked for it.'),
  createdAt: { ...instant, description: 'When it was made.' },
  startedAt: { ...instant, description: 'When it was made, or given another turn.' },
  finishedAt: nullable({ ...instant, description: 'When it ended.' }),
};

export const rerun: Schema = {
  type: 'string',
  description:
    'Which windows of a range run: those without a run (`missing`), also those that failed or were cancelled (`failed`), also those whose data another version made, or of which what they waited for was made anew (`stale`), or `all`.',
  enum: ['missing', 'failed', 'stale', 'all'],
};

/** What may change while one runs. */
export const limits: Record<string, Schema> = {
  maxActiveRuns: {
    type: 'integer',
    description: 'How many of its runs may run at once, beside the pipeline’s own; without it they count among those.',
    minimum: 1,
    maximum: 1000,
  },
  priority: {
    type: 'integer',
    description: 'Of its runs, added to that of the pipeline; -100 by default, so that live runs come first.',
    minimum: -1000,
    maximum: 1000,
  },
};

/** Which windows, and how they run: of a request and of a manifest alike. */
const range: Record<string, Schema> = {
  from: text(
    'The first window begins at or after it: `2019`, `2019-01`, a date, a local date and time, or an instant.',
  ),
  to: text('No window crosses it.'),
  rerun: { ...ref('Rerun'), description: 'Which windows run; `missing` by default.' },
  order: { type: 'string', description: 'Which come first; `oldest` by default.', enum: ['oldest', 'newest'] },
  ...limits,
  version: {
    type: 'string',
    description: '`head` (default) runs today’s version, `original` the one that a window ran on last.',
    enum: ['head', 'original'],
  },
  variables: map('Values for variables.', scalar),
  dependents: {
    type: 'boolean',
    description:
      'True makes backfills of the same range for all pipelines that wait for this one, too, directly or through others; their runs come after its runs.',
  },
};

/** A Backfill in Git. Its form in the cluster is in backfill-resources.ts. */
export const backfillSpec = object(
  'The windows to run, and how. What says which data is made is fixed: another value makes another backfill.',
  {
    pipeline: { ...objectName, description: 'A Pipeline of the same source.' },
    ...range,
    suspend: { type: 'boolean', description: 'True queues no further runs.' },
  },
  ['pipeline', 'from', 'to'],
);

/** Backfills, as the API speaks of them. */
export const backfills: Record<string, Schema> = {
  BackfillRequest: object(
    'Asks for the windows of a range. `POST /api/v1/backfills`.',
    {
      pipeline: objectName,
      name: {
        ...objectName,
        description:
          'Its name; `<pipeline>-b<n>` by default. One that is taken gets a number: `reload`, `reload-2`, `reload-3`.',
      },
      ...range,
      suspended: { type: 'boolean', description: 'True: it queues nothing before it is resumed.' },
    },
    ['pipeline', 'from', 'to'],
  ),
  BackfillChange: object('Changes a backfill. `POST /api/v1/backfills/NAME`. Only `retry` is for one that has ended.', {
    suspended: { type: 'boolean', description: 'True queues no further runs, and those that are queued wait.' },
    cancel: { type: 'boolean', description: 'True ends it: what is queued is cancelled, what runs goes on.' },
    retry: { type: 'boolean', description: 'True gives the windows that failed or were cancelled another turn.' },
    ...limits,
  }),
  BackfillResult: object(
    'The backfill that was made or changed.',
    {
      backfill: text('Its name.'),
      windows: count('How many windows it has; after a retry, how many got another turn.'),
      dependents: list(
        'Those that were made with it, of pipelines that wait for its one; absent where nobody asked for them.',
        object('One of them.', { backfill: text('Its name.'), windows: count('How many windows it has.') }, [
          'backfill',
          'windows',
        ]),
      ),
    },
    ['backfill', 'windows'],
  ),
  BackfillPreview: object(
    'What a backfill would run. `GET /api/v1/pipelines/NAME/backfill`.',
    {
      pipeline: objectName,
      timeZone: text('The schedule’s zone.'),
      windows: list('The windows in their order, at most 1000.', ref('WindowRow')),
      total: count('How many there are.'),
      notClosed: count('Windows of the range that have not closed yet; the schedule runs them.'),
      kept: count('Windows of the range that stay as they are.'),
      dependents: list(
        'With `dependents`: the pipelines that wait for this one, each after those that it waits for.',
        object(
          'One of them.',
          {
            pipeline: objectName,
            total: count('How many of its windows would run.'),
            notClosed: count('As above.'),
            kept: count('As above.'),
          },
          ['pipeline', 'total', 'notClosed', 'kept'],
        ),
      ),
    },
    ['pipeline', 'timeZone', 'windows', 'total', 'notClosed', 'kept'],
  ),
  BackfillWindow: object(
    'A window of a backfill.',
    {
      position: { type: 'integer', description: 'Its place in the order in which they run, from 1.', minimum: 1 },
      label: text('Its label.'),
      start: { ...instant, description: 'Inclusive.' },
      end: { ...instant, description: 'Exclusive.' },
      phase: {
        type: 'string',
        description: '`Waiting` before its turn; then the phase of the run that serves it, or of the one that it had.',
        enum: ['Waiting', 'Queued', 'Running', 'Succeeded', 'Failed', 'Cancelled', 'Skipped'],
      },
      reason: nullable(ref('Reason')),
      run: nullable(text('The run that serves it.')),
      version: nullable(text('Digest of the version that this run is pinned to; null before it is admitted.')),
    },
    ['position', 'label', 'start', 'end', 'phase', 'reason', 'run', 'version'],
  ),
  BackfillWindowList: object(
    'The windows of a backfill, in their order. `GET /api/v1/backfills/NAME/windows`.',
    {
      backfill: text('Its name.'),
      timeZone: text('The schedule’s zone.'),
      windows: list('The windows.', ref('BackfillWindow')),
      next: nullable({ type: 'integer', description: 'Pass as `after` for the next page.' }),
    },
    ['backfill', 'timeZone', 'windows', 'next'],
  ),
  BackfillSummary: object('A backfill.', backfillFields, Object.keys(backfillFields)),
  BackfillList: object('Backfills, newest first.', { backfills: list('At most 1000.', ref('BackfillSummary')) }, [
    'backfills',
  ]),
};
