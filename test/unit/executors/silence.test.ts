import { expect, test } from 'vitest';
import { createSilence } from '../../../controller/executors/processes/silence.ts';

const options = { silenceMs: 60_000, largestGapMs: 20_000 };

/** Looks at times in seconds with the beat seen then; the answers in order. */
function looks(...at: [seconds: number, beat: string | null][]): boolean[] {
  const silence = createSilence(options);
  return at.map(([seconds, beat]) => silence.isSilent('1.a.1', beat, seconds * 1000));
}

test('a runner that beats is not silent, however long it runs', () => {
  expect(looks([0, '1'], [50, '2'], [100, '3'], [150, '4'])).toEqual([false, false, false, false]);
});

test('a runner whose counter stands still for the whole time is silent', () => {
  expect(looks([0, '1'], [20, '1'], [40, '1'], [59, '1'], [60, '1'])).toEqual([false, false, false, false, true]);
});

test('a runner that never beats is silent after the same time', () => {
  expect(looks([0, null], [20, null], [40, null], [60, null])).toEqual([false, false, false, true]);
});

test('a beat ends a silence that has begun', () => {
  expect(looks([0, '1'], [20, '1'], [40, '1'], [55, '2'], [75, '2'], [95, '2'], [110, '2'])).toEqual([
    false,
    false,
    false,
    false,
    false,
    false,
    false,
  ]);
});

test('time in which nobody looked counts only a little: what froze the controller froze the runner too', () => {
  expect(looks([0, '1'], [100_000, '1'], [100_001, '1'])).toEqual([false, false, false]);
});

test('attempts are told apart, and a forgotten one begins anew', () => {
  const silence = createSilence({ silenceMs: 10, largestGapMs: 10 });
  silence.isSilent('1.a.1', null, 0);
  expect(silence.isSilent('1.b.1', null, 10)).toBe(false);
  silence.forget('1.a.1');
  expect(silence.isSilent('1.a.1', null, 20)).toBe(false);
});
