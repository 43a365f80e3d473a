import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { failpoints } from '../../schemas/failpoints.ts';
import { problemCodes } from '../../schemas/problem-codes.ts';
import { reasons } from '../../schemas/reasons.ts';
import { resourceReasons } from '../../schemas/resource-reasons.ts';
import { modulesUnder } from '../../tools/check-layers.ts';
import { tokensOf } from '../../tools/tokens.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const modules = modulesUnder(root)
  .filter((path) => !path.startsWith('schemas/') && !path.startsWith('tools/'))
  .map((path) => ({ path, tokens: tokensOf(readFileSync(root + path, 'utf8')) }));

/** What stands between the brackets of every `failpoint(…)`: the name, or the place where it is no literal. */
const hit = modules.flatMap(({ path, tokens }) =>
  tokens.flatMap((token, at) => {
    if (token.kind !== 'word' || token.text !== 'failpoint' || tokens[at + 1]?.text !== '(') return [];
    const argument = tokens[at + 2];
    return [argument?.kind === 'string' ? argument.text : `a computed name in ${path}:${token.line}`];
  }),
);

describe('the catalogue of failpoints', () => {
  test('names exactly the places in the code where a process can be killed', () => {
    expect([...new Set(hit)].sort()).toEqual([...failpoints].sort());
  });
});

describe('a catalogue', () => {
  const strings = modules.flatMap(({ tokens }) => tokens.flatMap((one) => (one.kind === 'string' ? [one.text] : [])));
  const given = new Set(strings);

  test('of reasons holds none that nothing ever gives', () => {
    expect(Object.keys(reasons).filter((reason) => !given.has(reason))).toEqual([]);
  });

  test('of reasons of custom resources holds none that nothing ever gives', () => {
    expect(Object.keys(resourceReasons).filter((reason) => !given.has(reason))).toEqual([]);
  });

  test('of problem codes holds none that nothing ever gives', () => {
    expect(Object.keys(problemCodes).filter((code) => !given.has(code))).toEqual([]);
  });
});
