import { instant, list, nullable, object, objectName, ref, type Schema } from './common.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', description, minimum: 0 });

/** Pools and limits, as the API speaks of them. */
export const pools: Record<string, Schema> = {
  PoolHolder: object(
    'Who holds a slot, or waits for one.',
    {
      run: text('The run.'),
      pipeline: objectName,
      task: nullable(text('The task; null where the run as a whole does.')),
      since: { ...instant, description: 'When it got the slot, or began to wait.' },
    },
    ['run', 'pipeline', 'task', 'since'],
  ),
  PoolSummary: object(
    'A pool. Slots that are used are counted from what runs.',
    {
      name: objectName,
      source: text('The source that defines it.'),
      description: nullable(text('What its slots stand for.')),
      slots: count('How many there are.'),
      used: count('How many are held.'),
      waiting: count('How many runs and tasks wait for one.'),
      gone: {
        type: 'boolean',
        description: 'True when its manifest is gone, and something that came before still names it.',
      },
      holders: list('Who holds them, longest first; at most 100.', ref('PoolHolder')),
      waiters: list('Who waits, longest first; at most 100.', ref('PoolHolder')),
    },
    ['name', 'source', 'description', 'slots', 'used', 'waiting', 'gone', 'holders', 'waiters'],
  ),
  PoolList: object('All pools, by name. `GET /api/v1/pools`.', { pools: list('The pools.', ref('PoolSummary')) }, [
    'pools',
  ]),
};
