import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { attemptTransitions, runTransitions, taskTransitions } from '../../controller/runs/phases.ts';
import { failpoints } from '../../schemas/failpoints.ts';
import { filesInGit } from './files.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const pages = filesInGit().filter((path) => path.endsWith('.md'));
const architecture = read('docs/architecture.md');

describe('docs/architecture.md', () => {
  /** `from → to` of every line `from --> to` in the nth state diagram. */
  function diagram(at: number): string[] {
    const text = [...architecture.matchAll(/```mermaid\nstateDiagram-v2\n(.*?)```/gs)][at]?.[1] ?? '';
    return [...text.matchAll(/(\w+) --> (\w+)/g)].map(([, from, to]) => `${from} → ${to}`).sort();
  }

  test.each([
    ['a run', 0, runTransitions],
    ['a task', 1, taskTransitions],
    ['an attempt', 2, attemptTransitions],
  ])('draws the states of %s as the code has them', (_what, at, transitions) => {
    const legal = Object.entries(transitions).flatMap(([from, all]) => all.map((to: string) => `${from} → ${to}`));
    expect(diagram(at)).toEqual(legal.sort());
  });

  test('tells of every step', () => {
    const steps = new Set(
      failpoints
        .map((name) => name.split('.')[0])
        .filter((step) => existsSync(join(root, `controller/steps/${step}.ts`))),
    );
    expect([...steps].filter((step) => !architecture.includes(`| \`${step}\` |`))).toEqual([]);
  });
});

describe('a page', () => {
  test('names no file of the tree that does not exist', () => {
    const folders = /^(schemas|controller|runner|cli|tools|test|docs|pipelines)\/[\w./-]+$/;
    const missing = pages.flatMap((page) => {
      const text = read(page).replaceAll(/```.*?```/gs, '');
      const named = [...text.matchAll(/`([^`\s]+)`/g)]
        .map(([, path = '']) => path)
        .filter((path) => folders.test(path));
      const linked = [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)/g)].map(([, path = '']) =>
        join(dirname(page), path),
      );
      return [...named, ...linked].filter((path) => !existsSync(join(root, path))).map((path) => `${page}: ${path}`);
    });
    expect(missing).toEqual([]);
  });

  test('about a decision has at most 40 lines', () => {
    const long = pages.filter(
      (page) => page.startsWith('docs/designs/') && read(page).trimEnd().split('\n').length > 40,
    );
    expect(long).toEqual([]);
  });
});
