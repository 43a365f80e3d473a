import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { type ProblemCode, problemCodes } from '../../../schemas/problem-codes.ts';
import { backfills } from './problems/backfills.ts';
import { bodies } from './problems/bodies.ts';
import { environments } from './problems/environments.ts';
import { pipelines } from './problems/pipelines.ts';
import { pools } from './problems/pools.ts';
import { reading } from './problems/reading.ts';
import { schedules } from './problems/schedules.ts';
import { files, placeOf, unmark } from './sources.ts';

const cases = [...reading, ...pipelines, ...bodies, ...backfills, ...pools, ...schedules, ...environments];

describe('a problem', () => {
  test.each(cases)('%s: %s', (code, message, ...texts) => {
    const { files: source, at } = unmark(files(...texts));
    const found = compile({ files: source }).problems.filter((problem) => problem.code === code);
    expect(found.map((problem) => `${placeOf(problem)} ${problem.message}`)).toContain(`${at} ${message}`);
  });

  test.each(cases)('stands alone when it is the only fault: %s: %s', (code, _message, ...texts) => {
    const follow = new Set<string>(['more-problems', 'duplicate-name', 'unknown-kind', 'bad-name']);
    const { problems } = compile({ files: unmark(files(...texts)).files });
    if (!follow.has(code)) expect(problems.map((problem): string => problem.code)).toEqual([code]);
  });

  test('of every code of the catalogue is shown here, but those of folders and of places', () => {
    const ofFolders: ProblemCode[] = [
      'unreadable-file',
      'too-many-files',
      'same-path',
      'lfs-pointer',
      'unread-submodule',
    ];
    const ofPlaces: ProblemCode[] = ['outside-policy', 'needs-cluster', 'needs-artifacts'];
    const ofAChoice: ProblemCode[] = ['unknown-environment'];
    const ofTheStore: ProblemCode[] = ['schedule-failed'];
    const shown = new Set([...cases.map(([code]) => code), ...ofFolders, ...ofPlaces, ...ofAChoice, ...ofTheStore]);
    expect([...shown].sort()).toEqual(Object.keys(problemCodes).sort());
  });

  test('is one sentence with a way out', () => {
    for (const [, message] of cases) {
      expect(message).toMatch(/; |: it lacks/);
      expect(message.endsWith('.')).toBe(false);
    }
  });
});
