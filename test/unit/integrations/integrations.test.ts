import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startForgeServer } from '../../support/forge-server.ts';
import { createTestRepository, type TestRepository } from '../../support/repository.ts';
import { runScript } from './script.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = async (path: string) => parse(await readFile(root + path, 'utf8'));

let repository: TestRepository;
beforeEach(async () => {
  repository = await createTestRepository();
  await repository.write({ 'pipelines/a.yaml': manifest(1) });
  await repository.commit();
});
afterEach(() => repository.remove());

function manifest(n: number): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: a }
spec: { blocks: [{ name: rows, load: { inline: { rows: [{ n: ${n} }] } } }] }
`;
}

describe('the pre-commit hook', () => {
  const validate = async () => {
    const [hook] = await read('.pre-commit-hooks.yaml');
    expect(hook).toMatchObject({ language: 'script', pass_filenames: false });
    return runScript(root + hook.entry, { cwd: repository.dir, env: {} });
  };

  test('lets good manifests pass', async () => {
    expect(await validate()).toMatchObject({ code: 0 });
  });

  test('stops a broken one with its place', async () => {
    await repository.write({ 'pipelines/a.yaml': manifest(1).replace('blocks', 'blokcs') });
    expect(await validate()).toMatchObject({ code: 1, stdout: expect.stringContaining('a.yaml:4:') });
  });
});

test('the job of GitLab leaves the plan on its merge request, and is content when something changes', async () => {
  const base = await repository.git('rev-parse', 'HEAD');
  await repository.write({ 'pipelines/a.yaml': manifest(2) });
  const head = await repository.commit();
  const forge = await startForgeServer(({ method, path }) =>
    method === 'GET'
      ? { status: 200, body: path.endsWith('/user') ? { id: 1 } : [] }
      : { status: 201, body: { id: 5 } },
  );
  const { 'pipewright-plan': job } = await read('integrations/gitlab/plan.yml');
  expect(job.variables.GIT_DEPTH).toBe('0');
  const script = job.script.join('\n').replace('node /app/cli/bin.mjs', `${root}integrations/pipewright`);
  const env = {
    ...job.variables,
    CI_API_V4_URL: `${forge.url}/gitlab/api/v4`,
    CI_COMMIT_SHA: head,
    CI_MERGE_REQUEST_DIFF_BASE_SHA: base,
    CI_MERGE_REQUEST_IID: '7',
    CI_MERGE_REQUEST_PROJECT_URL: `${forge.url}/gitlab/acme/data/pipelines`,
    PIPEWRIGHT_FORGE_TOKEN: 'the-token',
  };
  const outcome = await runScript(script, { cwd: repository.dir, env });
  await forge.stop();
  expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining('~ a changed') });
  const made = forge.calls.filter(({ method }) => method === 'POST');
  expect(made).toMatchObject([
    {
      path: '/gitlab/api/v4/projects/acme%2Fdata%2Fpipelines/merge_requests/7/notes',
      headers: { 'private-token': 'the-token' },
      body: { body: expect.stringContaining('### Pipewright plan') },
    },
  ]);
});

test('the workflow of Gitea runs the action, on the head of the pull request and with its whole history', async () => {
  const { jobs } = await read('integrations/gitea/plan.yaml');
  const [checkout, plan] = jobs.plan.steps;
  expect(checkout.with).toMatchObject({ 'fetch-depth': 0, 'persist-credentials': false });
  expect(plan.uses).toMatch(/\/integrations\/github@v/);
  const { inputs } = await read('integrations/github/action.yml');
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(plan.with)));
});
