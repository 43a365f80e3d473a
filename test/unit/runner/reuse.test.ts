import { expect, test } from 'vitest';
import { isAsGoodAsNew } from '../../../runner/reuse.ts';
import type { CompiledBlock } from '../../../schemas/generated/types.ts';
import { bundleOf, orderOf, rows } from './support.ts';

function isReused(blocks: (Partial<CompiledBlock> & { name: string })[], count = 1): boolean {
  return isAsGoodAsNew(bundleOf({ blocks }), orderOf({ blocks }, '/home'), count);
}

const load = { name: 'a', load: rows({ n: 1 }) };
const transform = { name: 'b', from: ['a'], transform: { sql: 'select * from a' } };
const sink = { connection: 'warehouse', table: 't', write: { mode: 'append' as const } };

test('a process may run another attempt after loads, SQL and exports', () => {
  expect(isReused([load, transform, { name: 'c', from: ['b'], export: { postgres: sink } }])).toBe(true);
});

test.each([
  ['a container', { container: { image: 'busybox' } }],
  ['a wait', { wait: { pipeline: 'other' } }],
  ['a load of a kind that nobody has looked at', { load: { python: { file: 'a.py', function: 'load' } } }],
  ['a transform of such a kind', { transform: { typescript: { file: 'a.ts', export: 'run' } } }],
  ['an export of such a kind', { export: { python: { file: 'a.py', function: 'write' } } }],
])('it may not after %s', (_, body) => {
  expect(isReused([load, { name: 'd', ...(body as object) }])).toBe(false);
});

test('it may not after its hundredth', () => {
  expect(isReused([load], 99)).toBe(true);
  expect(isReused([load], 100)).toBe(false);
});

test('it may not when it has grown', () => {
  const before = process.memoryUsage.rss;
  const ballast = Buffer.alloc(300 * 1024 * 1024, 1);
  expect(before()).toBeGreaterThan(ballast.length);
  expect(isReused([load])).toBe(false);
});
