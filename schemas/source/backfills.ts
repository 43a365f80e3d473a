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
  priority: { type: 'integer', description: 'Of its runs.' },
  phase: {
    type: 'string',
    description: 'Its phase. Failed: every window has ended, and not all succeeded.',
    enum: ['Running', 'Succeeded', 'Failed', 'Cancelled'],
  },
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
    description: 'Windows that ended per minute, since its first one was queued.',
  }),
  expectedEndAt: nullable({ ...instant, description: 'When it ends at that rate.' }),
  actor: text('Who asked for it.'),
  createdAt: { ...instant, description: 'When it was made.' },
  finishedAt: nullable({ ...instant, description: 'When it ended.' }),
};

/** Backfills, as the API speaks of them. */
export const backfills: Record<string, Schema> = {
  Rerun: {
    type: 'string',
    description:
      'Which windows of a range run: those without a run (`missing`), also those that failed or were cancelled (`failed`), or `all`.',
    enum: ['missing', 'failed', 'all'],
  },
  BackfillRequest: object(
    'Asks for the windows of a range. `POST /api/v1/backfills`.',
    {
      pipeline: objectName,
      from: text(
        'The first window begins at or after it: `2019`, `2019-01`, a date, a local date and time, or an instant.',
      ),
      to: text('No window crosses it.'),
      rerun: { ...ref('Rerun'), description: 'Which windows run; `missing` by default.' },
      order: { type: 'string', description: 'Which come first; `oldest` by default.', enum: ['oldest', 'newest'] },
      maxActiveRuns: {
        type: 'integer',
        description:
          'How many of its runs may run at once, beside the pipeline’s own; without it they count among those.',
        minimum: 1,
        maximum: 1000,
      },
      priority: {
        type: 'integer',
        description: 'Among the queued runs of the pipeline; -100 by default, where other runs have 0.',
        minimum: -1000,
        maximum: 1000,
      },
      version: {
        type: 'string',
        description: '`head` (default) runs today’s version, `original` the one that a window ran on last.',
        enum: ['head', 'original'],
      },
      variables: map('Values for variables.', scalar),
    },
    ['pipeline', 'from', 'to'],
  ),
  BackfillChange: object('Changes a backfill. `POST /api/v1/backfills/NAME`. Only `retry` is for one that has ended.', {
    suspended: { type: 'boolean', description: 'True queues no further runs, and those that are queued wait.' },
    cancel: { type: 'boolean', description: 'True ends it: what is queued is cancelled, what runs goes on.' },
    retry: { type: 'boolean', description: 'True gives the windows that failed or were cancelled another turn.' },
    maxActiveRuns: { type: 'integer', description: 'As in the request.', minimum: 1, maximum: 1000 },
    priority: { type: 'integer', description: 'As in the request.', minimum: -1000, maximum: 1000 },
  }),
  BackfillResult: object(
    'The backfill that was made or changed.',
    {
      backfill: text('Its name.'),
      windows: count('How many windows it has; after a retry, how many got another turn.'),
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
    },
    ['pipeline', 'timeZone', 'windows', 'total', 'notClosed', 'kept'],
  ),
  BackfillSummary: object('A backfill.', backfillFields, Object.keys(backfillFields)),
  BackfillList: object('Backfills, newest first.', { backfills: list('At most 1000.', ref('BackfillSummary')) }, [
    'backfills',
  ]),
};
