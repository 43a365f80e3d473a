import { expect, test } from 'vitest';
import { convertVariables } from '../../../controller/manifests/variables.ts';

const declared = {
  url: { type: 'string' },
  limit: { type: 'integer', default: 5 },
  strict: { type: 'boolean', default: false },
};

test('values given as text are converted to their declared types', () => {
  expect(convertVariables(declared, { url: '1', limit: '7', strict: 'true' })).toEqual({
    values: { url: '1', limit: 7, strict: true },
  });
  expect(convertVariables(declared, { url: 1, limit: null })).toEqual({ values: { url: '1', limit: null } });
});

test.each([
  [{ url: 'x', limt: 1 }, 'there is no variable "limt"; did you mean "limit"?'],
  [{ url: 'x', zzz: 1 }, 'there is no variable "zzz"; declared are url, limit, strict'],
  [{ url: 'x', constructor: 1 }, 'there is no variable "constructor"; declared are url, limit, strict'],
  [{ url: 'x', limit: '7.5' }, 'variable "limit" is "7.5", which is not an integer; correct the value'],
  [{ url: 'x', strict: 'yes' }, 'variable "strict" is "yes", which is not true or false; correct the value'],
  [{ limit: 1 }, 'variable "url" has no value and no default; give it one, as in --var url=VALUE'],
])('%j is refused with a sentence', (given, error) => {
  expect(convertVariables(declared, given as Record<string, string>)).toEqual({ error });
});
