import { limits } from './backfills.ts';
import { map, object, objectName, ref, type Schema } from './common.ts';
import {
  boundedText,
  conditions,
  count,
  immutable,
  observedGeneration,
  past,
  type Resource,
  text,
  withRules,
} from './resource-parts.ts';

const oneRange = 'a backfill is for one range from its start to its end; make another Backfill';

/** As in manifests, but with seconds in an instant: CEL reads no other. */
const bound: Schema = {
  type: 'string',
  maxLength: 40,
  pattern:
    '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?|T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2}))?$',
};
const boundForms = 'a date, a local date and time in the schedule’s zone, or an RFC 3339 instant.';

/** Two instants are compared as such and two local times as text; of one each only the controller knows, which has the zone. */
const fromBeforeTo = `self.from.matches('(Z|[+-][0-9]{2}:[0-9]{2})$')
  ? !self.to.matches('(Z|[+-][0-9]{2}:[0-9]{2})$') || timestamp(self.from) < timestamp(self.to)
  : self.to.matches('(Z|[+-][0-9]{2}:[0-9]{2})$') || self.from < self.to`;

const fixedFields: Record<string, Schema> = {
  pipeline: { ...objectName, description: 'The pipeline to run.' },
  from: { ...bound, description: `The first window begins at or after it: ${boundForms}` },
  to: { ...bound, description: `No window crosses it: ${boundForms}` },
  rerun: {
    type: 'string',
    description: 'Which windows run: those without a run (default), or also those that failed, are stale, or all.',
    enum: ['missing', 'failed', 'stale', 'all'],
  },
  order: {
    type: 'string',
    description: 'Which windows come first; `oldest` by default.',
    enum: ['oldest', 'newest'],
  },
  version: {
    type: 'string',
    description: '`head` (default) runs today’s version, `original` the one that a window ran on before.',
    enum: ['head', 'original'],
  },
  variables: {
    ...map(
      'Values for variables, as text: `"5"`, `"true"`. They are converted to the types that the pipeline declares.',
      boundedText('A variable’s value.', 65_536),
    ),
    maxProperties: 500,
  },
  dependents: {
    type: 'boolean',
    description:
      'True also runs the range of all pipelines that wait for this one, after it, as backfills of their own.',
  },
};

const spec = withRules(
  object(
    'The windows to run, and how. Only `suspend`, `maxActiveRuns`, `priority` and `cancel` may change.',
    {
      ...fixedFields,
      ...limits,
      suspend: { type: 'boolean', description: 'True queues no further runs, and those that are queued wait.' },
      cancel: {
        type: 'boolean',
        description: 'True cancels what is queued; what runs goes on. It cannot be taken back.',
      },
    },
    ['pipeline', 'from', 'to'],
  ),
  [
    { rule: fromBeforeTo, message: 'the range is empty; write a "from" that lies before "to"', fieldPath: '.from' },
    ...Object.keys(fixedFields).map((field) => immutable(field, oneRange)),
    {
      rule: '!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)',
      message: 'a cancellation cannot be taken back; make another Backfill',
      fieldPath: '.cancel',
    },
  ],
);

const progress: Record<string, Schema> = {
  total: count('How many it has.'),
  done: count('How many of them have ended.'),
  live: count('How many are queued or run.'),
  succeeded: count('How many have succeeded, or were skipped.'),
  failed: count('How many have failed.'),
  cancelled: count('How many were cancelled.'),
  text: text('Ended of all, for reading: `7/12`.'),
};

const status = object('How far it is.', {
  backfill: text('Its name in the history; another than the object’s where that was taken.'),
  phase: { ...ref('Phase'), description: 'Its phase; one of those of a run.' },
  reason: text('Why it is in this phase, machine-readable.'),
  message: text('Why it is in this phase, in a sentence.'),
  windows: object('Its windows.', progress, Object.keys(progress)),
  rate: text('How many windows end in a time, for reading: `12.5/min`, `3/h`.'),
  expectedEndAt: { ...past('When it ends at that rate.') },
  startedAt: past('When it was made, or given another turn.'),
  finishedAt: past('When its last window ended.'),
  conditions,
  observedGeneration,
});

export const backfill: Resource = {
  description:
    'A request to run a range of windows, and how far it is. One made with kubectl asks; those made otherwise are shown.',
  columns: [
    { name: 'Pipeline', path: '.spec.pipeline', description: 'The pipeline.' },
    { name: 'From', path: '.spec.from', description: 'Begin of the range.' },
    { name: 'To', path: '.spec.to', description: 'End of the range, exclusive.' },
    { name: 'Phase', path: '.status.phase', description: 'Its phase.' },
    { name: 'Done', path: '.status.windows.text', description: 'Windows that have ended, of all.' },
    { name: 'Failed', path: '.status.windows.failed', type: 'integer', description: 'Windows that have failed.' },
    { name: 'Rate', path: '.status.rate', description: 'How many windows end in a time.' },
    // It lies ahead, which kubectl cannot print as an age.
    { name: 'ETA', path: '.status.expectedEndAt', description: 'When it ends at that rate, UTC.' },
    { name: 'Started', path: '.status.startedAt', type: 'date', wide: true, description: 'How long ago it started.' },
    { name: 'Suspended', path: '.spec.suspend', type: 'boolean', wide: true, description: 'Whether it is stopped.' },
    { name: 'Rerun', path: '.spec.rerun', wide: true, description: 'Which windows run.' },
    { name: 'Order', path: '.spec.order', wide: true, description: 'Which come first.' },
    { name: 'Message', path: '.status.message', wide: true, description: 'Why it is in its phase.' },
  ],
  spec,
  status,
};
