import { afterEach, expect, test } from 'vitest';
import type { Forge, Provider } from '../../../controller/forges/forge.ts';
import { isPassing } from '../../../controller/forges/forge.ts';
import { setStatus } from '../../../controller/forges/status.ts';
import { startForgeServer } from '../../support/forge-server.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function started(answer?: Parameters<typeof startForgeServer>[0]) {
  const server = await startForgeServer(answer);
  stops.push(server.stop);
  return server;
}

const commit = 'a'.repeat(40);
const status = { commit, state: 'failure', context: 'pipewright/team-a', description: 'a.yaml:3: no' } as const;
const forge = (apiUrl: string, provider: Provider, more: Partial<Forge> = {}): Forge => ({
  provider,
  apiUrl,
  name: 'acme/data/pipelines',
  token: 'the-token',
  ...more,
});
const set = (at: Forge) => setStatus(at, status, new AbortController().signal);

test.each([
  ['github', { authorization: 'Bearer the-token', 'x-github-api-version': '2022-11-28' }],
  ['gitea', { authorization: 'token the-token' }],
] as const)('%s gets it as its API says', async (provider, headers) => {
  const server = await started();
  await set(forge(server.url, provider, { name: 'acme/pipelines' }));
  expect(server.calls).toEqual([
    {
      method: 'POST',
      path: `/repos/acme/pipelines/statuses/${commit}`,
      headers: expect.objectContaining({ ...headers, 'user-agent': 'pipewright', 'content-type': 'application/json' }),
      body: { state: 'failure', context: 'pipewright/team-a', description: 'a.yaml:3: no' },
    },
  ]);
});

test('gitlab gets it as its API says', async () => {
  const server = await started();
  await set(forge(server.url, 'gitlab'));
  expect(server.calls).toEqual([
    {
      method: 'POST',
      path: `/projects/acme%2Fdata%2Fpipelines/statuses/${commit}`,
      headers: expect.objectContaining({ 'private-token': 'the-token' }),
      body: { state: 'failed', name: 'pipewright/team-a', description: 'a.yaml:3: no' },
    },
  ]);
});

test('what GitLab knows already is no failure', async () => {
  const message = 'Cannot transition status via :drop from :failed (Reason(s): Status cannot transition via "drop")';
  const server = await started(() => ({ status: 400, body: { message } }));
  await expect(set(forge(server.url, 'gitlab'))).resolves.toBeUndefined();
});

test.each([
  [401, { message: 'Bad credentials' }, /answered 401 \(Bad credentials\); give a token that is valid/, false],
  [
    404,
    { message: 'Not Found' },
    /answered 404 \(Not Found\); check the repository, and that the token may write/,
    false,
  ],
  [422, { message: { state: ['bad'] } }, /answered 422 \(\{"state":\["bad"\]\}\)/, false],
  [429, undefined, /answered 429; try again later/, true],
  [502, undefined, /answered 502; try again later/, true],
] as const)('an answer of %s is said in a sentence', async (code, body, sentence, passes) => {
  const server = await started(() => ({ status: code, body }));
  const error = await set(forge(server.url, 'github')).catch((failure) => failure);
  expect(error.message).toMatch(sentence);
  expect(error.message).not.toContain('the-token');
  expect(isPassing(error)).toBe(passes);
});

test('a redirect is not followed, so that nobody else gets the token', async () => {
  const other = await started();
  const server = await started(() => ({ status: 307, body: {} }));
  await expect(set(forge(server.url, 'github'))).rejects.toThrow(/answered 307/);
  expect(other.calls).toEqual([]);
});

test('goes through the proxy that is named', async () => {
  const proxy = await started();
  await set(forge('http://git.example.org/api/v1', 'gitea', { name: 'a/b', proxyEnv: { HTTP_PROXY: proxy.url } }));
  expect(proxy.calls.map(({ path }) => path)).toEqual([`http://git.example.org/api/v1/repos/a/b/statuses/${commit}`]);
});

test('a forge that nobody can reach may be there later', async () => {
  const server = await startForgeServer();
  await server.stop();
  const error = await set(forge(server.url, 'gitea')).catch((failure) => failure);
  expect(error.message).toMatch(/ECONNREFUSED.*; the forge must be reachable from here/);
  expect(isPassing(error)).toBe(true);
});
