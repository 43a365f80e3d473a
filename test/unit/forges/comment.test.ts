import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepComment } from '../../../controller/forges/comment.ts';
import type { Provider } from '../../../controller/forges/forge.ts';
import { startForgeServer } from '../../support/forge-server.ts';

type Stored = { id: number; body: string; user: { id: number; type?: string } };

const me = { id: 5 };
const marker = '<!-- ours -->';
let comments: Stored[];
/** What another job writes as soon as ours has been made. */
let meanwhile: Stored[];
let self: typeof me | null;
let forge: Awaited<ReturnType<typeof startForgeServer>>;

beforeEach(async () => {
  [comments, meanwhile, self] = [[], [], me];
  forge = await startForgeServer(({ method, path, body }) => {
    const { pathname, searchParams } = new URL(path, 'http://forge');
    const text = (body as { body?: string } | null)?.body ?? '';
    if (pathname === '/user') return self ? { status: 200, body: self } : { status: 403, body: { message: 'no' } };
    const id = Number(/(?:comments|notes)\/(\d+)$/.exec(pathname)?.[1]);
    if (method === 'GET') return { status: 200, body: page(Number(searchParams.get('page'))) };
    if (method === 'POST') {
      const made = { id: 1_000, body: text, user: self ?? { id: 9, type: 'Bot' } };
      comments.push(...meanwhile, made);
      return { status: 201, body: made };
    }
    if (method === 'DELETE') comments = comments.filter((each) => each.id !== id);
    else comments = comments.map((each) => (each.id === id ? { ...each, body: text } : each));
    return { status: method === 'DELETE' ? 204 : 200, ...(method === 'DELETE' ? {} : { body: {} }) };
  });
});
afterEach(() => forge.stop());

const page = (number: number) => comments.slice((number - 1) * 100, number * 100);
const keep = (body: string, { create = true, provider = 'github' as Provider } = {}) =>
  keepComment(
    { provider, apiUrl: forge.url, name: 'acme/pipelines', token: 't', number: 7 },
    { marker, body: `${marker}\n${body}`, create },
    new AbortController().signal,
  );
const bodies = () => comments.map(({ body }) => body);

test.each([
  ['github', 'PATCH', '/repos/acme/pipelines/issues/7/comments', '/repos/acme/pipelines/issues/comments/1000'],
  ['gitea', 'PATCH', '/repos/acme/pipelines/issues/7/comments', '/repos/acme/pipelines/issues/comments/1000'],
  [
    'gitlab',
    'PUT',
    '/projects/acme%2Fpipelines/merge_requests/7/notes',
    '/projects/acme%2Fpipelines/merge_requests/7/notes/1000',
  ],
] as const)('on %s the first one is made and then updated', async (provider, update, all, one) => {
  expect(await keep('first', { provider })).toBe('made');
  expect(await keep('second', { provider })).toBe('updated');
  expect(bodies()).toEqual([`${marker}\nsecond`]);
  const written = forge.calls.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`);
  expect(written).toEqual([`POST ${all}`, `${update} ${one}`]);
});

test('one that is there is found behind hundreds of others', async () => {
  comments = Array.from({ length: 250 }, (_, at) => ({ id: at + 1, body: 'talk', user: { id: 1 } }));
  comments.push({ id: 400, body: `${marker}\nold`, user: me });
  expect(await keep('new')).toBe('updated');
  expect(bodies().at(-1)).toBe(`${marker}\nnew`);
});

test('what somebody else has written with our marker is left alone, since its author could change it after us', async () => {
  comments = [{ id: 1, body: `${marker}\nforged`, user: { id: 6 } }];
  expect(await keep('true')).toBe('made');
  expect(bodies()).toEqual([`${marker}\nforged`, `${marker}\ntrue`]);
});

test('a token that may not ask who it is owns what bots have written', async () => {
  self = null;
  comments = [{ id: 1, body: `${marker}\nforged`, user: { id: 6, type: 'User' } }];
  expect([await keep('one'), await keep('two')]).toEqual(['made', 'updated']);
  expect(bodies()).toEqual([`${marker}\nforged`, `${marker}\ntwo`]);
});

test('of two jobs that make one at the same time the older comment stays, with what was said last', async () => {
  meanwhile = [{ id: 999, body: `${marker}\ntheirs`, user: me }];
  expect(await keep('mine')).toBe('updated');
  expect(bodies()).toEqual([`${marker}\nmine`]);
});

test('none is made where nothing is worth one, and one that is there still gets the news', async () => {
  expect(await keep('nothing', { create: false })).toBe('none');
  expect(bodies()).toEqual([]);
  await keep('something');
  expect(await keep('nothing', { create: false })).toBe('updated');
  expect(bodies()).toEqual([`${marker}\nnothing`]);
});

test('an answer that is no list is said in a sentence', async () => {
  const other = await startForgeServer(() => ({ status: 200, body: {} }));
  const at = { provider: 'gitea' as const, apiUrl: other.url, name: 'a/b', token: 't', number: 1 };
  const kept = keepComment(at, { marker, body: marker, create: true }, new AbortController().signal);
  await expect(kept).rejects.toThrow(/gave no list of comments; check that URL/);
  await other.stop();
});
