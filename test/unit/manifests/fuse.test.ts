import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fusable, fuseBlocks } from '../../../controller/manifests/fuse.ts';
import { sortBlocks, upstream } from '../../../controller/manifests/graph.ts';

/** `b: a c !when` is block b that reads from a and c and has a property of its own; `b: > a` needs a. */
function blocks(...lines: string[]): Fusable[] {
  return lines.map((line) => {
    const [name = '', rest = ''] = line.split(':');
    const words = rest.split(' ').filter((word) => word !== '');
    const needs = words.filter((word) => word.startsWith('>')).map((word) => word.slice(1));
    const from = words.filter((word) => !/^[>!]/.test(word));
    const isAlone = words.includes('!isolate');
    return { name, from, needs, begins: needs.length > 0 || words.includes('!when'), isAlone };
  });
}
const fused = (...lines: string[]) => fuseBlocks(blocks(...lines)).map((names) => names.join(' '));

describe('blocks that are joined by `from`', () => {
  test('are one task, however they branch', () => {
    expect(fused('a:', 'b: a', 'c: b')).toEqual(['a b c']);
    expect(fused('a:', 'b: a', 'c: a', 'd: b c')).toEqual(['a b c d']);
    expect(fused('a:', 'b:', 'c: a b')).toEqual(['a b c']);
  });

  test('are other tasks than blocks with which they have nothing in common', () => {
    expect(fused('a:', 'b:', 'c: a', 'd: b')).toEqual(['a c', 'b d']);
  });

  test('begin a task where one has a condition, retry or timeout, and what is downstream goes with it', () => {
    expect(fused('a:', 'b: a !when', 'c: b', 'd: a')).toEqual(['a d', 'b c']);
  });

  test('are not drawn into a conditional task from its side', () => {
    // Were `u` in the task of `w`, a false condition would skip `u` and its other reader too.
    expect(fused('u:', 'w: !when', 'd: w u', 'e: u')).toEqual(['u e', 'w', 'd']);
  });

  test('begin a task where one needs another', () => {
    expect(fused('a:', 'b: a', 'c: >b', 'd: c')).toEqual(['a b', 'c d']);
  });

  test('stay apart from an isolated one', () => {
    expect(fused('a:', 'b: a !isolate', 'c: b', 'd: c')).toEqual(['a', 'b', 'c d']);
  });

  test('stay apart where fusing would make two tasks wait for each other', () => {
    expect(fused('a:', 'h: a !isolate', 'b: h', 'c: a b')).toEqual(['a', 'h', 'b', 'c']);
  });
});

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const graph = fc
  .array(
    fc.record({
      from: fc.nat(255),
      needs: fc.nat(255),
      begins: fc.boolean(),
      isAlone: fc.boolean(),
      sparse: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: names.length,
    },
  )
  .map((seeds) =>
    seeds.map(({ from, needs, begins, isAlone, sparse }, index): Fusable => {
      const pick = (bits: number) => names.slice(0, index).filter((_, bit) => (bits >> bit) & 1);
      const waits = sparse ? [] : pick(needs & from);
      return {
        name: names[index] ?? '',
        from: pick(from),
        needs: waits,
        begins: (begins && sparse) || waits.length > 0,
        isAlone: isAlone && sparse,
      };
    }),
  );

describe('any pipeline', () => {
  test('falls into tasks that hold every block once and wait for each other in no circle', () => {
    fc.assert(
      fc.property(graph, (all) => {
        const tasks = fuseBlocks(all);
        expect(tasks.flat().sort()).toEqual(all.map(({ name }) => name).sort());
        const done = new Set<string>();
        for (const task of tasks) {
          for (const name of task) {
            const outside = upstream(all.find((block) => block.name === name) as Fusable).filter(
              (other) => !task.includes(other),
            );
            expect(outside.every((other) => done.has(other))).toBe(true);
          }
          for (const name of task) done.add(name);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('has blocks with properties of their own only at the head of tasks, and isolated ones alone', () => {
    fc.assert(
      fc.property(graph, (all) => {
        for (const task of fuseBlocks(all)) {
          const members = task.map((name) => all.find((block) => block.name === name) as Fusable);
          expect(members.slice(1).every(({ begins }) => !begins)).toBe(true);
          if (members.some(({ isAlone }) => isAlone)) expect(members).toHaveLength(1);
          if (!members[0]?.begins) continue;
          for (const { from = [] } of members.slice(1)) expect(from.some((name) => task.includes(name))).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('sortBlocks', () => {
  test('keeps the order of the manifest where it can', () => {
    expect(sortBlocks(blocks('c: a', 'b:', 'a:'))).toEqual({ order: blocks('b:', 'a:', 'c: a') });
  });

  test('names the blocks of a circle and not those that only wait for it', () => {
    expect(sortBlocks(blocks('a: d', 'b: c', 'c: >b', 'd: c'))).toEqual({ cycle: ['c', 'b'] });
  });
});
