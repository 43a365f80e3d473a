import { list, nullable, object, objectName, ref, type Schema } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', description, minimum: 0 });

/** What the command `plan` asks a controller. */
export const plan: Record<string, Schema> = {
  PlanRequest: object(
    'Asks what only the ledger knows of pipelines that a change reaches. `POST /api/v1/plan`; nothing is changed by it.',
    {
      pipelines: list('The pipelines; those that are not there are left out of the answer.', objectName, {
        maxItems: 100,
      }),
    },
    ['pipelines'],
  ),
  PipelineFacts: object(
    'What a pipeline has done, and does.',
    {
      pipeline: objectName,
      succeeded: count('Of its newest 1000 windows, those that have succeeded.'),
      isMore: { type: 'boolean', description: 'True when it has more windows than these.' },
      activeRuns: count('Runs that are running.'),
      queuedRuns: count('Runs that are queued; at most 1000 are counted.'),
      meanDurationMs: nullable(
        count('Of those of its last 50 runs that have succeeded, in milliseconds; null without any.'),
      ),
      backfills: list(
        'Its backfills that run.',
        object(
          'One of them.',
          {
            name: text('Its name.'),
            version: { type: 'string', description: 'Which version its runs have.', enum: ['head', 'original'] },
            waiting: count('Windows without a run so far.'),
            live: count('Windows with a run that is queued or runs.'),
            succeeded: count('Windows that have succeeded or were skipped.'),
          },
          ['name', 'version', 'waiting', 'live', 'succeeded'],
        ),
      ),
    },
    ['pipeline', 'succeeded', 'isMore', 'activeRuns', 'queuedRuns', 'meanDurationMs', 'backfills'],
  ),
  PlanFacts: object('The answer.', { pipelines: list('By name.', ref('PipelineFacts')) }, ['pipelines']),
};
