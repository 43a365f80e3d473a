import { expect, test } from 'vitest';
import { createTokenBucket } from '../../../controller/kubernetes/limit.ts';

function createBucket(options: { qps: number; burst: number }) {
  let now = 0;
  const waits: number[] = [];
  const bucket = createTokenBucket({
    ...options,
    clock: () => now,
    wait: async (ms) => {
      waits.push(ms);
    },
  });
  return {
    waits,
    pass: (ms: number) => {
      now += ms;
    },
    take: async (times: number) => {
      for (let count = 0; count < times; count++) await bucket.take();
    },
  };
}

test('a burst of calls goes through at once, and each one after it waits for its own turn', async () => {
  const { take, waits } = createBucket({ qps: 10, burst: 3 });
  await take(3);
  expect(waits).toEqual([]);
  await take(2);
  expect(waits).toEqual([100, 200]);
});

test('a pause fills the bucket again, but not above its burst', async () => {
  const { take, waits, pass } = createBucket({ qps: 10, burst: 3 });
  await take(3);
  pass(200);
  await take(2);
  expect(waits).toEqual([]);
  pass(60_000);
  await take(4);
  expect(waits).toEqual([100]);
});

test('an aborted call takes no turn', async () => {
  const bucket = createTokenBucket({ qps: 10, burst: 1 });
  await expect(bucket.take(AbortSignal.abort())).rejects.toThrow();
  await bucket.take();
});
