import { expect, test } from 'vitest';
import { inSlices } from '../../../controller/steps/in-slices.ts';

/** Goes on until somebody else had a turn, or for long enough to see that nobody has. */
function* untilSeen(isSeen: () => boolean): Generator<undefined, boolean> {
  const deadline = performance.now() + 5_000;
  while (!isSeen() && performance.now() < deadline) yield;
  return isSeen();
}

test('work in slices lets others have their turn, and gives what it gives at once', async () => {
  let seen = false;
  setTimeout(() => {
    seen = true;
  });
  expect(
    await inSlices(
      untilSeen(() => seen),
      new AbortController().signal,
    ),
  ).toBe(true);
});

test('work in slices ends when it is told to', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort());
  await expect(
    inSlices(
      untilSeen(() => false),
      stop.signal,
    ),
  ).rejects.toThrow('aborted');
});
