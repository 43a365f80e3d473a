import { list, object, ref, type Schema } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });

/** Asking for runs again, one by one or by a selector. */
export const recovery: Record<string, Schema> = {
  RerunRequest: object('Asks for a run once more. `POST /api/v1/runs/NAME/rerun`.', {
    from: text(
      '`start` (default): all of it. `failed`: what has not succeeded. Or a task, or a block of one: it and all downstream of it.',
    ),
    version: {
      type: 'string',
      description: '`head` (default): today’s version. `original`: that of the run.',
      enum: ['head', 'original'],
    },
  }),
  RerunResult: object(
    'The run that a rerun made.',
    {
      run: text('Its name.'),
      taken: list('Tasks that it took over from the run before, instead of running them.', text('A task.')),
      again: list(
        'Tasks before the starting point that it runs all the same.',
        object('A task.', { task: text('Its name.'), why: text('Why, in words.') }, ['task', 'why']),
      ),
    },
    ['run', 'taken', 'again'],
  ),
  RunSelection: object(
    'Runs by what they are. `GET /api/v1/runs/selection?since=…&pipeline=…&reason=…&phase=…`, where `*` in `pipeline` stands for any text, `phase` may name several, and without it is `Failed`. Of a window only its newest run, and none that was run again.',
    {
      runs: list('The runs, oldest first, at most 1000.', ref('RunSummary')),
      more: { type: 'boolean', description: 'True when there are more; ask again when these are done.' },
    },
    ['runs', 'more'],
  ),
};
