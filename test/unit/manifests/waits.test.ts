import { describe, expect, test } from 'vitest';
import { compile } from '../../../controller/manifests/compile.ts';
import { block, files, load, pipeline, placeOf, unmark } from './sources.ts';

const monthly = '  schedule: { every: month, startAt: 2019-01-01 }\n';
const upstream = (name = 'up', schedule = monthly) => pipeline(name, `${schedule}  blocks:\n${load}`);
const waits = (fields: string, more = '', schedule = monthly) =>
  pipeline('p', `${schedule}  blocks:\n    - name: ready\n      wait: { ${fields} }\n${more}${load}`);

describe('a wait', () => {
  test('is a task by itself, with the longest wait in milliseconds', () => {
    const two = '    - { name: two, needs: [ready], load: { inline: { rows: [{ n: 1 }] } } }\n';
    const { pipelines, problems } = compile({ files: files(waits('pipeline: up, timeout: 6h', two), upstream()) });
    expect(problems).toEqual([]);
    const tasks = pipelines.find(({ name }) => name === 'p')?.bundle.tasks;
    expect(tasks?.map(({ name, blocks, needs, wait }) => [name, blocks, needs, wait])).toEqual([
      ['ready', ['ready'], [], { pipeline: 'up', window: 'covering', timeoutMs: 6 * 3_600_000 }],
      ['two', ['two'], ['ready'], undefined],
      ['one', ['one'], [], undefined],
    ]);
  });

  test('lasts a week at most when it does not say how long', () => {
    const { pipelines } = compile({ files: files(waits('pipeline: up'), upstream()) });
    expect(pipelines[0]?.bundle.tasks[0]?.wait?.timeoutMs).toBe(7 * 86_400_000);
  });

  test('asks for no pod, even where the pipeline does for all its blocks', () => {
    const text = waits('pipeline: up', '', `${monthly}  resources: { requests: { memory: 1Gi } }\n`);
    const [ready, one] = compile({ files: files(text, upstream()) }).pipelines[0]?.bundle.tasks ?? [];
    expect([ready?.pod, one?.pod]).toEqual([undefined, { resources: { requests: { memory: '1Gi' } } }]);
  });

  test('changes the version with what it waits for', () => {
    const digest = (fields: string) => compile({ files: files(waits(fields), upstream()) }).pipelines[0]?.digest;
    expect(digest('pipeline: up, window: previous')).not.toBe(digest('pipeline: up'));
    expect(digest('pipeline: up, timeout: 1h')).not.toBe(digest('pipeline: up'));
  });

  test('for a pipeline that has problems is none itself: its last good version goes on', () => {
    const { pipelines, broken } = compile({ files: files(waits('pipeline: up'), upstream().replace('load:', 'lod:')) });
    expect([pipelines.map(({ name }) => name), broken]).toEqual([['p'], ['up']]);
  });
});

/** `«` marks where the problem is to be shown. */
const wrong: readonly [code: string, message: string, ...texts: string[]][] = [
  [
    'unknown-pipeline',
    'block "ready": wait.pipeline names "upp", and there is no such Pipeline; did you mean "up"?',
    waits('pipeline: «upp'),
    upstream(),
  ],
  ['self-reference', 'block "ready": wait.pipeline names the pipeline itself; remove it', waits('pipeline: «p')],
  [
    'window-needed',
    'block "ready": wait needs a window, and there is none without a schedule; add `schedule` to the pipeline',
    waits('pipeline: up', '', '').replace('wait:', '«wait:'),
    upstream(),
  ],
  [
    'window-needed',
    'block "ready": wait.pipeline names "up", which has no schedule and so no windows; add `schedule` to it, or wait for another pipeline',
    waits('pipeline: «up'),
    upstream('up', ''),
  ],
  [
    'bad-value',
    'block "ready": wait.window is same, and "up" cuts time in another way; write `covering`, or give both the same `schedule`',
    waits('pipeline: up, window: «same'),
    upstream('up', '  schedule: { every: day, startAt: 2019-01-01 }\n'),
  ],
  [
    'bad-duration',
    'block "ready": wait.timeout is no time at all; write a longer one or remove it',
    waits('pipeline: up, timeout: «0s'),
    upstream(),
  ],
  [
    'bad-value',
    'block "ready": needs cannot stand beside `wait`, since the run waits before its first block begins; remove it',
    waits('pipeline: up', '      «needs: [one]\n'),
    upstream(),
  ],
  [
    'bad-value',
    'block "ready": retry cannot stand beside `wait`, since the run waits before its first block begins; remove it',
    waits('pipeline: up', '      «retry: { limit: 2 }\n'),
    upstream(),
  ],
  [
    'one-form',
    'block "ready": wait stands beside "load", and only one of load, transform, export, container, wait, use can; remove the others',
    waits('pipeline: up', '      load: { inline: { rows: [{ n: 1 }] } }\n').replace('wait:', '«wait:'),
    upstream(),
  ],
  [
    'missing-input',
    'block "two": from[0] reads from "ready", which is a wait and gives no rows; use `needs` to wait for it',
    waits('pipeline: up', '    - { name: two, from: [«ready], transform: { sql: select 1 } }\n'),
    upstream(),
  ],
];

describe('a problem of a wait', () => {
  test.each(wrong)('%s: %s', (code, message, ...texts) => {
    const { files: source, at } = unmark(files(...texts));
    const found = compile({ files: source }).problems.map((each) => `${placeOf(each)} ${each.code} ${each.message}`);
    expect(found).toEqual([`${at} ${code} pipeline "p": ${message}`]);
  });

  test('a circle across files breaks every pipeline of it, and none that only waits for one of them', () => {
    const link = (name: string, target: string) =>
      pipeline(name, `${monthly}  blocks:\n    - { name: w, wait: { pipeline: ${target} } }\n`);
    const source = files(
      link('a', 'b'),
      link('b', 'c'),
      link('c', 'a'),
      link('d', 'a'),
      link('e', 'f'),
      link('f', 'e'),
    );
    const { pipelines, problems } = compile({ files: source });
    const circle = 'w": wait.pipeline closes a circle of pipelines that wait for each other';
    expect(problems.map((each) => `${placeOf(each)} ${each.code} ${each.message}`)).toEqual([
      `a.yaml:7:36 cycle pipeline "a": block "${circle}: "a" → "b" → "c" → "a"; remove one of these waits`,
      `b.yaml:7:36 cycle pipeline "b": block "${circle}: "a" → "b" → "c" → "a"; remove one of these waits`,
      `c.yaml:7:36 cycle pipeline "c": block "${circle}: "a" → "b" → "c" → "a"; remove one of these waits`,
      `e.yaml:7:36 cycle pipeline "e": block "${circle}: "e" → "f" → "e"; remove one of these waits`,
      `f.yaml:7:36 cycle pipeline "f": block "${circle}: "e" → "f" → "e"; remove one of these waits`,
    ]);
    expect(pipelines.map(({ name }) => name)).toEqual(['d']);
  });

  test('a Block cannot be one: it belongs to the pipeline that waits', () => {
    const { problems } = compile({ files: files(block('b', '  wait: { pipeline: up }\n')) });
    expect(problems.map(({ code }) => code)).toContain('unknown-field');
  });
});
