import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bundleName, jobName } from '../../../../controller/executors/jobs/name.ts';
import { labelValue } from '../../../../controller/kubernetes/short-names.ts';
import { order } from './order.ts';

describe('the name of a Job', () => {
  test('tells pipeline, window, run, task and attempt, and ends with a hash', () => {
    expect(jobName(order())).toMatch(/^taxi-2019-01-1-load-trips-1-[0-9a-f]{10}$/);
  });

  test('of a run without window tells the run', () => {
    const run = { id: 7, name: 'taxi-m12', runNo: 1, trigger: 'manual' };
    expect(jobName(order({ window: null, run }))).toMatch(/^taxi-m12-load-trips-1-[0-9a-f]{10}$/);
  });

  test('that is too long loses the end of its pipeline first', () => {
    const pipeline = `yellow-taxi-${'x'.repeat(40)}`;
    const name = jobName(order({ pipeline }));
    expect(name).toMatch(/^yellow-taxi-x+-2019-01-1-load-trips-1-[0-9a-f]{10}$/);
    expect(name).toHaveLength(63);
  });

  test('differs between ledgers, and is the same for the same order', () => {
    expect(jobName(order())).toBe(jobName(order()));
    expect(jobName(order())).not.toBe(jobName(order({ ledgerId: 'ledger-b' })));
  });

  test('is a DNS label, and another one for every attempt', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,39}$/);
    const pipelines = fc.stringMatching(/^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/);
    fc.assert(
      fc.property(pipelines, word, fc.nat(), fc.nat(), (pipeline, task, id, attempt) => {
        const run = { id, name: `${pipeline}-2019-01`, runNo: 1, trigger: 'manual' };
        const nameOf = (number: number) =>
          jobName(order({ pipeline, task, run, attempt: number, attemptId: `${id}.${task}.${number}` }));
        expect(nameOf(attempt)).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
        expect(nameOf(attempt)).not.toBe(nameOf(attempt + 1));
      }),
    );
  });
});

test('the value of a label is the text itself, or its beginning and a hash where it is too long', () => {
  expect(labelValue('taxi-2019-01')).toBe('taxi-2019-01');
  const long = `${'a'.repeat(51)}-${'b'.repeat(30)}`;
  expect(labelValue(long)).toMatch(/^a{51}-[0-9a-f]{10}$/);
  expect(labelValue(long)).not.toBe(labelValue(`${long}c`));
});

test('the name of a bundle is made of sixteen digits of its digest, with or without the name of the algorithm', () => {
  expect(bundleName('0123456789abcdef0123')).toBe('pipewright-bundle-0123456789abcdef');
  expect(bundleName('sha256:0123456789abcdef0123')).toBe('pipewright-bundle-0123456789abcdef');
});
