import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pipewright } from './command.ts';

const good = `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: good }
spec:
  blocks:
    - name: one
      load: { inline: { rows: [{ n: 1 }] } }
`;
const bad = good.replace('name: good', 'name: bad').replace('load:', 'loadd:');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pipewright-validate-'));
  await mkdir(join(folder, 'pipelines'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(folder, 'pipelines', name), text);
const validate = (...args: string[]) => pipewright(['validate', ...args], { cwd: folder });

describe('validate', () => {
  test('ends with 0 and one line when all is good', async () => {
    await write('good.yaml', good);
    expect(await validate()).toEqual({ code: 0, stdout: '✓ 1 pipeline, no problems\n', stderr: '' });
    const { stdout } = await validate('-o', 'json');
    expect(JSON.parse(stdout)).toEqual({ pipelines: ['good'], problems: [] });
  });

  test('ends with 1 and prints each problem with its place, a sentence and the lines around it', async () => {
    await write('good.yaml', good);
    await write('bad.yaml', bad);
    const { code, stdout } = await validate('pipelines');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^pipelines\/bad\.yaml:7:7 error .*loadd.*did you mean "load"\?.* \[[a-z-]+\]$/m);
    expect(stdout).toMatch(/^ *> 7 \| {7}loadd: /m);
    expect(stdout).toMatch(/✗ \d problems? in 1 file; 1 pipeline without\n$/);
  });

  test('prints the promised fields as JSON, with files relative to the folder', async () => {
    await write('bad.yaml', bad);
    const { code, stdout } = await validate(join(folder, 'pipelines'), '--output', 'json');
    expect(code).toBe(1);
    const { pipelines, problems } = JSON.parse(stdout);
    expect(pipelines).toEqual([]);
    for (const problem of problems) {
      expect(Object.keys(problem)).toEqual(['file', 'line', 'column', 'code', 'message']);
      expect(problem.file).toBe('bad.yaml');
    }
    expect(problems).toContainEqual(expect.objectContaining({ line: 7, column: 7 }));
  });

  test('ends with 2 when it could not look', async () => {
    expect(await validate('nowhere')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'pipewright: there is no folder "nowhere"; name the folder with your manifests\n',
    });
    await write('file', '');
    expect(await validate('pipelines/file')).toMatchObject({ code: 2 });
  });

  test('judges by the policy of a cluster too, when told the file of `start --jobs`', async () => {
    const asking = good.replace('blocks:', 'pod: { serviceAccount: root }\n  blocks:');
    await write('good.yaml', asking);
    expect(await validate()).toMatchObject({ code: 0 });
    const config = (policy: string) =>
      writeFile(
        join(folder, 'jobs.yaml'),
        `{ namespace: jobs, resources: pipewright, image: runner, reportUrl: "http://x", reportPort: 1, policy: ${policy} }`,
      );
    await config('{}');
    const { code, stdout } = await validate('--jobs', 'jobs.yaml');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^pipelines\/good\.yaml:5:26 error .*serviceAccount is "root".*\[outside-policy\]$/m);
    await config('{ serviceAccounts: ["*"] }');
    expect(await validate('--jobs', 'jobs.yaml')).toMatchObject({ code: 0 });
    await config('{ namespaces: [team-a, pipewright] }');
    expect(await validate('--jobs', 'jobs.yaml')).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'pipewright: --jobs jobs.yaml: policy.namespaces has "pipewright", which is the controller’s own; Jobs never run there, remove it\n',
    });
    await config('{ serviceAcounts: ["*"] }');
    expect(await validate('--jobs', 'jobs.yaml')).toMatchObject({ code: 2, stderr: expect.stringContaining('policy') });
  });

  test('judges with the overlay of an environment when told its name', async () => {
    const scheduled = good.replace(
      'spec:',
      'spec:\n  schedule: { every: day }\n  variables: { day: { type: string } }',
    );
    await write('good.yaml', scheduled);
    await mkdir(join(folder, 'pipelines/environments/production'), { recursive: true });
    const variables = '  variables: { day: { default: sunday } }\n';
    await write('environments/production/good.yaml', good.replace(/ {2}blocks:.*/s, variables));
    expect(await validate()).toMatchObject({ code: 1, stdout: expect.stringContaining('[missing-default]') });
    expect(await validate('--env', 'production')).toMatchObject({ code: 0 });
    expect(await validate('--env', 'prodution')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^pipelines\/environments\/:1:1 error .*did you mean "production"\?/),
    });
    const { code, stdout } = await pipewright(['run', 'good', '--local', '--env', 'production'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Succeeded') });
  });
});
