import { pino } from 'pino';
import { expect, test } from 'vitest';
import { runLoop } from '../../controller/loop.ts';
import { createSignals } from '../../controller/signals.ts';
import { done, type Step } from '../../controller/steps/step.ts';

const log = pino({ level: 'silent' });

/** A step that counts its passes, in a loop that runs until `stop`. */
function start(gatherMs: number) {
  const signals = createSignals();
  const abort = new AbortController();
  let passes = 0;
  const step: Step = {
    name: 'observe',
    everyMs: 60_000,
    async pass() {
      passes += 1;
      return done();
    },
  };
  const ended = runLoop({ step, signals, signal: abort.signal, log, gatherMs });
  const stop = async () => {
    abort.abort();
    await ended;
  };
  return { signals, passes: () => passes, stop };
}

test('a step passes again when it is woken, also by a hint that came while it passed', async () => {
  const loop = start(0);
  loop.signals.wake('observe');
  await expect.poll(loop.passes).toBe(2);
  loop.signals.wake('observe');
  await expect.poll(loop.passes).toBe(3);
  await loop.stop();
});

test('a step that gathers takes a burst of hints in one pass', async () => {
  const loop = start(100);
  await expect.poll(loop.passes).toBe(1);
  for (let hint = 0; hint < 20; hint++) {
    loop.signals.wake('observe');
    await new Promise(setImmediate);
  }
  await expect.poll(loop.passes).toBe(2);
  loop.signals.wake('observe');
  await expect.poll(loop.passes).toBe(3);
  await loop.stop();
});
