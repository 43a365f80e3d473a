import { call } from './call.ts';
import { type Forge, ForgeError, repositoryPath } from './forge.ts';

export type Comment = {
  /** How the body begins: a comment of ours that begins so is the one. */
  readonly marker: string;
  readonly body: string;
  /** False: one that is there is updated, but none is made. */
  readonly create: boolean;
};

const pageSize = 100;
const mostPages = 50;

/**
 * Leaves one comment on a pull request: the one that is there is updated, and none is made beside it. Resolves with what it did.
 * Throws a ForgeError.
 */
export async function keepComment(
  forge: Forge & { readonly number: number },
  { marker, body, create }: Comment,
  signal: AbortSignal,
): Promise<'made' | 'updated' | 'none'> {
  const api = apiOf(forge);
  const session = { forge, api, marker, signal, isOurs: await knowAuthor(forge, signal) };
  const update = (id: number) => call(forge, { method: api.update, path: api.one(id), body: { body }, signal });
  const [first] = await findOurs(session);
  if (first !== undefined) {
    await update(first);
    return 'updated';
  }
  if (!create) return 'none';
  const made = (await call(forge, { method: 'POST', path: api.all, body: { body }, signal })) as Found;
  // Another job may have done the same at the same time. The older comment stays.
  const [older] = await findOurs(session);
  if (older === undefined || older >= made.id) return 'made';
  await call(forge, { method: 'DELETE', path: api.one(made.id), signal });
  await update(older);
  return 'updated';
}

type Author = { readonly id?: number; readonly type?: string };
/** What the forges have in common of what they say. */
type Found = { readonly id: number; readonly body?: string; readonly user?: Author; readonly author?: Author };

type Session = {
  readonly forge: Forge;
  readonly api: Api;
  readonly marker: string;
  readonly isOurs: (comment: Found) => boolean;
  readonly signal: AbortSignal;
};

type Api = {
  readonly all: string;
  readonly one: (id: number) => string;
  readonly update: 'PUT' | 'PATCH';
  /** Gitea gives all of them at once. */
  readonly pages: number;
};

function apiOf(forge: Forge & { readonly number: number }): Api {
  const { provider, number } = forge;
  const repository = repositoryPath(forge);
  if (provider === 'gitlab') {
    const all = `${repository}/merge_requests/${number}/notes`;
    return { all, one: (id) => `${all}/${id}`, update: 'PUT', pages: mostPages };
  }
  const pages = provider === 'gitea' ? 1 : mostPages;
  const issues = `${repository}/issues`;
  return { all: `${issues}/${number}/comments`, one: (id) => `${issues}/comments/${id}`, update: 'PATCH', pages };
}

/** Ids, the oldest first. */
async function findOurs(session: Session): Promise<number[]> {
  const { forge, api, marker, isOurs, signal } = session;
  const ours: number[] = [];
  for (let page = 1; page <= api.pages; page += 1) {
    const path = `${api.all}?per_page=${pageSize}&page=${page}`;
    const comments = (await call(forge, { method: 'GET', path, signal })) as Found[];
    if (!Array.isArray(comments))
      throw new ForgeError(null, `${forge.apiUrl}: gave no list of comments; check that URL`);
    ours.push(...comments.filter((each) => String(each.body).startsWith(marker) && isOurs(each)).map(({ id }) => id));
    if (comments.length < pageSize) break;
  }
  return ours.sort((a, b) => a - b);
}

/**
 * Anybody can write a comment that begins as ours, and could change it after us: only what our own account wrote is ours. The token of
 * a CI job may not ask who it is; its account is a bot's, which on GitHub has a type and on Gitea an id below zero.
 */
async function knowAuthor(forge: Forge, signal: AbortSignal): Promise<(comment: Found) => boolean> {
  const me = (await call(forge, { method: 'GET', path: '/user', signal }).catch((error) => {
    if (error instanceof ForgeError && (error.status === 403 || error.status === 404)) return null;
    throw error;
  })) as { id?: number } | null;
  const author = (comment: Found) => comment.user ?? comment.author;
  if (me?.id !== undefined) return (comment) => author(comment)?.id === me.id;
  return (comment) => author(comment)?.type === 'Bot' || Number(author(comment)?.id) < 0;
}
