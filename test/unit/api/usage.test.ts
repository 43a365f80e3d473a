import { expect, test } from 'vitest';
import { pipelineUsage } from '../../../controller/api/usage.ts';

const mebibyte = 1024 * 1024;

function attempt(used: { memory: number; cpuMs?: number; ms?: number; task?: string }, requested: number[] = []) {
  const [memory = null, cpu = null] = requested;
  return {
    task: used.task ?? 'load',
    durationMs: used.ms ?? 10_000,
    usage: {
      peakMemoryBytes: used.memory * mebibyte,
      cpuMs: used.cpuMs ?? 0,
      requestedMemoryBytes: memory === null ? null : memory * mebibyte,
      requestedCpuMillis: cpu,
    },
  };
}

const suggest = (...attempts: ReturnType<typeof attempt>[]) => pipelineUsage('a', attempts).tasks[0]?.suggestion;

test('of several attempts the highest use counts, and the last requests', () => {
  const attempts = [
    attempt({ memory: 100, cpuMs: 5_000 }, [512, 250]),
    attempt({ memory: 300, cpuMs: 1_000 }, [64, 100]),
  ];
  expect(pipelineUsage('a', attempts).tasks).toEqual([
    {
      task: 'load',
      attempts: 2,
      peakMemoryBytes: 300 * mebibyte,
      requestedMemoryBytes: 512 * mebibyte,
      cpuMillis: 500,
      requestedCpuMillis: 250,
      suggestion: { cpu: '600m' },
    },
  ]);
});

test('a request below what is needed is to be raised, with a margin', () => {
  expect(suggest(attempt({ memory: 300, cpuMs: 9_000 }, [320, 1000]))).toEqual({ memory: '384Mi', cpu: '1100m' });
});

test('a request of more than twice what is needed is to be lowered', () => {
  expect(suggest(attempt({ memory: 300, cpuMs: 1_000 }, [769, 301]))).toEqual({ memory: '384Mi', cpu: '150m' });
});

test('what fits is left alone', () => {
  expect(suggest(attempt({ memory: 300, cpuMs: 1_000 }, [384, 150]))).toEqual({});
  expect(suggest(attempt({ memory: 300, cpuMs: 1_000 }, [768, 300]))).toEqual({});
});

test('where nothing is requested, what was used is suggested', () => {
  expect(suggest(attempt({ memory: 1, cpuMs: 0 }))).toEqual({ memory: '64Mi', cpu: '50m' });
  expect(suggest(attempt({ memory: 900, cpuMs: 30_000 }))).toEqual({ memory: '1280Mi', cpu: '3600m' });
});

test('an attempt of no time at all divides nothing by zero', () => {
  expect(pipelineUsage('a', [attempt({ memory: 1, cpuMs: 0, ms: 0 })]).tasks[0]?.cpuMillis).toBe(0);
});

test('each task is told by itself', () => {
  const attempts = [attempt({ memory: 1, task: 'load' }), attempt({ memory: 2, task: 'export' })];
  expect(pipelineUsage('a', attempts).tasks.map(({ task, peakMemoryBytes }) => [task, peakMemoryBytes])).toEqual([
    ['load', mebibyte],
    ['export', 2 * mebibyte],
  ]);
  expect(pipelineUsage('a', [])).toEqual({ pipeline: 'a', tasks: [] });
});
