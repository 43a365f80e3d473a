import { expect, test } from 'vitest';
import type { Scope } from '../../../controller/expressions/template.ts';
import { blockScope, resolveVariables } from '../../../controller/expressions/variables.ts';

const declared = {
  url: { type: 'string' },
  limit: { type: 'integer', default: 5 },
  strict: { type: 'boolean', default: false },
} as const;

test('variables take the given values, converted, and defaults for the rest', () => {
  expect(resolveVariables({ declared, given: { url: 'x', limit: '7' } })).toEqual({
    url: 'x',
    limit: 7,
    strict: false,
  });
});

test.each([
  [{ limt: 1, url: 'x' }, 'variable "limt" is not declared; did you mean "limit"?'],
  [{ other: 1, url: 'x' }, 'variable "other" is not declared; declared are url, limit, strict'],
  [{}, 'variable "url" has no value; give one or declare a default'],
  [{ url: 'x', limit: 'many' }, 'variable "limit" is "many", which is not an integer; correct the value'],
])('variables %j are refused', (given, message) => {
  expect(() => resolveVariables({ declared, given: given as Record<string, string | number> })).toThrow(message);
});

test('a Block sees its parameters and the window, and nothing else of the pipeline', () => {
  const scope: Scope = {
    variables: { base: 'https://example.test', many: 12 },
    window: null,
    timeZone: 'Asia/Tokyo',
    pipeline: 'taxi',
    run: { name: 'taxi-m1', runNo: 1, trigger: 'manual' },
  };
  const inner = blockScope({
    parameters: { url: '{{ base }}/{{ run.name }}', limit: '{{ many }}', strict: true },
    types: declared,
    scope,
  });
  expect(inner).toEqual({
    variables: { url: 'https://example.test/taxi-m1', limit: 12, strict: true },
    types: declared,
    window: null,
    timeZone: 'Asia/Tokyo',
  });
  expect(() => blockScope({ parameters: {}, types: declared, scope })).toThrow('parameter "url" has no value');
});
