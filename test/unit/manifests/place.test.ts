import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { compile } from '../../../controller/manifests/compile.ts';
import { onJobs, onProcesses, type TaskPlace } from '../../../controller/manifests/place.ts';
import type { JobsPolicy } from '../../../schemas/generated/types.ts';
import { block, files, jobs, load, pipeline, placeOf, unmark, withContainer, withPod } from './sources.ts';

describe('where tasks run as processes', () => {
  const why = 'and tasks run as processes here, which have none; start with --jobs in a cluster, or remove it';

  test.each([
    [`block "one": container runs an image, ${why}`, withContainer('image: a').replace('container', '«container'), ''],
    [`pod.image is an image, ${why}`, pipeline('p', `  pod: { image: «a }\n  blocks:\n${load}`), ''],
    [`block "one": pod.image is an image, ${why}`, withPod('{ image: «a }'), ''],
    [
      `block "one": use runs an image, ${why}`,
      pipeline('p', '  blocks:\n    - name: one\n      «use: tool\n'),
      block('tool', '  container: { image: a }\n'),
    ],
  ])('%s', (message, text, other) => {
    const { files: source, at } = unmark(files(text, other));
    const { problems } = compile({ files: source, place: onProcesses });
    expect(problems.map((problem) => `${placeOf(problem)} ${problem.code} ${problem.message}`)).toEqual([
      `${at} needs-cluster pipeline "p": ${message}`,
    ]);
    expect(compile({ files: source }).problems).toEqual([]);
  });

  test('what else a manifest says of pods is no problem', () => {
    const text = withPod('{ nodeSelector: { disk: ssd }, serviceAccount: a, volumes: [] }');
    expect(compile({ files: files(text), place: onProcesses }).problems).toEqual([]);
  });
});

describe('without a place for rows between tasks', () => {
  const reading = pipeline(
    'p',
    `  blocks:\n${load}    - name: two\n      from: [one]\n      isolate: true\n      transform: { sql: from one }\n    - name: run\n      from: [two]\n      container: { image: a }\n`,
  );
  const place: TaskPlace = { kind: 'jobs', policy: {}, namespace: 'a' };

  test('tasks that hand rows to each other are a problem at each place where one reads them', () => {
    const { problems, broken } = compile({ files: files(reading), place });
    const why = (source: string, wayOut: string) =>
      `reads "${source}" of another task, and rows have no place between tasks here; ${wayOut}, or ask the operator for jobs.artifactsClaim`;
    expect(problems.map((problem) => `${placeOf(problem)} ${problem.code} ${problem.message}`)).toEqual([
      `a.yaml:9:14 needs-artifacts pipeline "p": block "two": from[0] ${why('one', 'remove `isolate` from block "two", so that both can be one task')}`,
      `a.yaml:13:14 needs-artifacts pipeline "p": block "run": from[0] ${why('two', 'write `needs` instead of `from`')}`,
    ]);
    expect(broken).toEqual(['p']);
    expect(compile({ files: files(reading), place: jobs() }).problems).toEqual([]);
  });

  test('tasks that only wait for each other are none', () => {
    const text = reading.replaceAll('from: [two]', 'needs: [two]').replace('      isolate: true\n', '');
    expect(compile({ files: files(text), place }).problems).toEqual([]);
  });
});

test('an operator’s file says what the place is', () => {
  const config = { namespace: 'a', resources: 'b', image: 'c', reportUrl: 'http://d', reportPort: 1 };
  expect(onJobs(config)).toEqual({ kind: 'jobs', policy: {}, namespace: 'a', artifactsClaim: undefined });
  const policy: JobsPolicy = { placement: false };
  expect(onJobs({ ...config, policy, artifactsClaim: 'e' })).toMatchObject({ policy, artifactsClaim: 'e' });
});

test('the page about pods shows a manifest that compiles under the policy that it shows, and not under none', () => {
  const page = readFileSync(new URL('../../../docs/container-blocks-and-pods.md', import.meta.url), 'utf8');
  const [manifest = '', config = ''] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text);
  const { policy } = parse(config) as { policy: JobsPolicy };
  const judged = (place: TaskPlace) => compile({ files: files(manifest), place });
  expect(judged(jobs(policy))).toMatchObject({ problems: [], pipelines: [{ name: 'score-trips' }] });
  expect(judged(jobs()).problems).toMatchObject([{ code: 'outside-policy', line: 8 }]);
});
