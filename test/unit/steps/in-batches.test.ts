import { expect, test } from 'vitest';
import { inBatches } from '../../../controller/steps/in-batches.ts';

/** Batches that end when the test says so. */
function createWork() {
  const batches: { items: readonly number[]; end: PromiseWithResolvers<readonly number[]> }[] = [];
  const add = inBatches<number>((items) => {
    const end = Promise.withResolvers<readonly number[]>();
    batches.push({ items, end });
    return end.promise;
  });
  return { add, batches };
}

test('what comes while a batch is worked on makes the next one', async () => {
  const { add, batches } = createWork();
  const all = [1, 2, 3].map(add);
  expect(batches.map(({ items }) => items)).toEqual([[1]]);
  batches[0]?.end.resolve([1]);
  await expect.poll(() => batches.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  batches[1]?.end.resolve([3]);
  expect(await Promise.all(all)).toEqual([true, false, true]);
});

test('a batch that fails is told to those in it, and keeps nobody else waiting', async () => {
  const { add, batches } = createWork();
  const all = [1, 2, 3].map(add);
  const outcomes = Promise.allSettled(all);
  batches[0]?.end.reject(new Error('no connection'));
  await expect.poll(() => batches.length).toBe(2);
  batches[1]?.end.resolve([2, 3]);
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});
