import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createTestRepository, type TestRepository } from '../support/repository.ts';
import { pipewright } from '../unit/cli/command.ts';
import { runScript } from '../unit/integrations/script.ts';
import { firstStart, type Gitea, startGitea } from './support/gitea.ts';

type PullRequest = { html_url: string; number: number; base: { sha: string }; head: { sha: string } };
type Comment = { body: string; user: { login: string } };

let gitea: Gitea;
let clone: TestRepository;
let name: string;
let pull: PullRequest;
let count = 0;
beforeAll(async () => {
  gitea = await startGitea();
}, firstStart);
afterAll(() => gitea?.stop());

beforeEach(async () => {
  count += 1;
  name = `plans-${count}`;
  await gitea.createRepository(name);
  clone = await createTestRepository();
  await clone.write({ 'pipelines/a.yaml': manifest('month') });
  await push('main');
  await clone.git('switch', '--quiet', '-c', 'change');
  await clone.write({ 'pipelines/a.yaml': manifest('week') });
  await push('change');
  const asked = { title: 'A change', head: 'change', base: 'main' };
  pull = await gitea.api('POST', `/repos/${gitea.owner}/${name}/pulls`, asked);
});
afterEach(() => clone.remove());

function manifest(every: string): string {
  return `apiVersion: pipewright.dev/v1alpha1
kind: Pipeline
metadata: { name: a }
spec: { schedule: { every: ${every}, startAt: 2019-01-01 }, blocks: [{ name: rows, load: { inline: { rows: [{ n: 1 }] } } }] }
`;
}

async function push(branch: string): Promise<void> {
  const commit = await clone.commit();
  const login = `http.extraHeader=Authorization: token ${gitea.token}`;
  await clone.git('-c', login, 'push', '--quiet', gitea.httpUrl(name), branch);
  // Gitea itself learns of a push a moment after it has taken it.
  const known = () => gitea.api('GET', `/repos/${gitea.owner}/${name}/branches/${branch}`).catch(() => null);
  await expect.poll(known, { timeout: 20_000 }).toMatchObject({ commit: { id: commit } });
}

const plan = (token = gitea.token) =>
  pipewright(['plan', '--base', 'main', '--head', 'change', '--comment', pull.html_url], {
    cwd: clone.dir,
    env: { PIPEWRIGHT_FORGE_TOKEN: token },
  });
const comments = () => gitea.api<Comment[]>('GET', `/repos/${gitea.owner}/${name}/issues/${pull.number}/comments`);

it('a pull request gets one comment with the plan, which the next push updates', async () => {
  expect(await plan('0'.repeat(40))).toMatchObject({ code: 1, stderr: expect.stringContaining('answered 401') });
  expect(await plan()).toMatchObject({ code: 2, stderr: `comment made at ${pull.html_url}\n` });
  const [first] = await comments();
  expect(first?.body).toContain('### Pipewright plan');
  expect(first?.body).toContain('`week`');
  await clone.write({ 'pipelines/a.yaml': manifest('day') });
  await push('change');
  expect(await plan()).toMatchObject({ code: 2, stderr: `comment updated at ${pull.html_url}\n` });
  await clone.write({ 'pipelines/a.yaml': manifest('month') });
  await push('change');
  expect(await plan()).toMatchObject({ code: 0, stderr: `comment updated at ${pull.html_url}\n` });
  const all = await comments();
  expect(all).toHaveLength(1);
  expect(all[0]?.body).toMatch(/nothing changes/i);
});

it('the action does it with what the forge tells a job, and is content when something changes', async () => {
  const text = await readFile(new URL('../../integrations/github/action.yml', import.meta.url), 'utf8');
  const [step] = parse(text).runs.steps;
  const context: Record<string, string> = {
    'github.event.pull_request.base.sha': pull.base.sha,
    'github.event.pull_request.head.sha': pull.head.sha,
    'github.event.pull_request.html_url': pull.html_url,
    'inputs.path': 'pipelines',
    'inputs.environment': '',
    'inputs.token': gitea.token,
  };
  const env = Object.fromEntries(
    Object.entries<string>(step.env).map(([key, value]) => [
      key,
      value.replace(/\$\{\{ (.*?) \}\}/g, (_whole, expression: string) => context[expression] ?? `no ${expression}`),
    ]),
  );
  const folder = fileURLToPath(new URL('../../integrations/github', import.meta.url));
  const run = () => runScript(step.run, { cwd: clone.dir, env: { ...env, GITHUB_ACTION_PATH: folder } });
  expect(await run()).toMatchObject({ code: 0, stderr: expect.stringContaining('comment made') });
  expect(await run()).toMatchObject({ code: 0, stderr: expect.stringContaining('comment updated') });
  expect(await comments()).toHaveLength(1);
});
