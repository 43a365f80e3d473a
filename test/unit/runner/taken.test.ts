import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from './support.ts';

const two = { name: 'two', from: ['one'], transform: { sql: 'select n + 1 as n from one' } };

test('a task reads rows that a rerun took over in the folder of the run that made them', async () => {
  const { folder } = await run({ blocks: [{ name: 'one', transform: { sql: 'select 1 as n' } }], outputs: ['one'] });
  await rename(join(folder, 'artifacts'), join(folder, '77'));
  await mkdir(join(folder, 'artifacts'));
  const { report } = await run({ blocks: [two], inputs: ['one'], taken: { one: 77 }, folder });
  expect(report).toMatchObject({ outcome: 'Succeeded', sample: { rows: [['2']] } });
});

test('rows that were taken over and are gone fail the task in a sentence, for good', async () => {
  const { report } = await run({ blocks: [two], inputs: ['one'], taken: { one: 77 } });
  expect(report).toMatchObject({
    reason: 'ArtifactGone',
    error: {
      message:
        'the rows of block "one", which run test-m1 took over from the run with id 77, are no longer kept; rerun it with --from one',
    },
  });
});
