import { expect, test } from 'vitest';
import { closest, didYouMean } from '../../../controller/expressions/suggest.ts';

test.each([
  ['siez', 'size'],
  ['wharehouse', 'warehouse'],
  ['Schedule', 'schedule'],
  ['from_', 'from'],
])('"%s" is taken for "%s"', (word, meant) => {
  expect(closest(word, ['size', 'warehouse', 'schedule', 'from', 'x'])).toBe(meant);
});

test('a word that is far from all candidates suggests nothing', () => {
  expect(didYouMean('banana', ['size', 'warehouse'])).toBe('');
  expect(didYouMean('ab', ['xy'])).toBe('');
});
