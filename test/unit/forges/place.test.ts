import { describe, expect, test } from 'vitest';
import { pullRequestOf, repositoryOf } from '../../../controller/forges/place.ts';

describe('the repository on a forge', () => {
  test.each([
    ['https://github.com/acme/pipelines.git', 'github', 'https://api.github.com', 'acme/pipelines'],
    ['https://github.example.org/acme/pipelines', 'github', 'https://github.example.org/api/v3', 'acme/pipelines'],
    ['https://acme.ghe.com/acme/pipelines', 'github', 'https://api.acme.ghe.com', 'acme/pipelines'],
    ['git@github.com:acme/pipelines.git', 'github', 'https://api.github.com', 'acme/pipelines'],
    ['ssh://git@git.example.org:2222/acme/pipelines.git', 'gitea', 'https://git.example.org/api/v1', 'acme/pipelines'],
    ['http://localhost:3000/acme/pipelines', 'gitea', 'http://localhost:3000/api/v1', 'acme/pipelines'],
    ['https://gitlab.com/acme/data/team/pipelines', 'gitlab', 'https://gitlab.com/api/v4', 'acme/data/team/pipelines'],
    ['git@gitlab.com:acme/data/pipelines.git', 'gitlab', 'https://gitlab.com/api/v4', 'acme/data/pipelines'],
  ] as const)('%s is told by its URL (%s)', (url, provider, apiUrl, name) => {
    expect(repositoryOf(url, provider)).toEqual({ provider, apiUrl, name });
  });

  test('of a forge that lies below a path is found with the URL of its API', () => {
    const at = (url: string, provider: 'gitlab' | 'gitea', api: string) => repositoryOf(url, provider, api).name;
    expect(at('https://x.org/gitlab/a/b/c.git', 'gitlab', 'https://x.org/gitlab/api/v4/')).toBe('a/b/c');
    expect(at('git@x.org:a/b/c.git', 'gitlab', 'https://x.org/gitlab/api/v4')).toBe('a/b/c');
    expect(at('https://x.org/git/a/b', 'gitea', 'https://x.org/git/api/v1')).toBe('a/b');
  });

  test('of a path on this machine needs the URL of an API', () => {
    expect(() => repositoryOf('/data/pipelines', 'gitea')).toThrow(/is no repository on a forge; name the API/);
  });
});

describe('a pull request', () => {
  test.each([
    ['https://github.com/acme/pipelines/pull/7', 'github', 'https://api.github.com', 'acme/pipelines'],
    ['https://git.example.org/acme/pipelines/pulls/7', 'gitea', 'https://git.example.org/api/v1', 'acme/pipelines'],
    ['https://x.org/git/acme/pipelines/pulls/7/', 'gitea', 'https://x.org/git/api/v1', 'acme/pipelines'],
    [
      'https://gitlab.com/acme/data/pipelines/-/merge_requests/7',
      'gitlab',
      'https://gitlab.com/api/v4',
      'acme/data/pipelines',
    ],
  ] as const)('is known by its address: %s', (address, provider, apiUrl, name) => {
    expect(pullRequestOf(address)).toEqual({ provider, apiUrl, name, number: 7 });
  });

  test('of a GitLab below a path is found with the URL of its API', () => {
    const found = pullRequestOf('https://x.org/gitlab/a/b/-/merge_requests/7', 'https://x.org/gitlab/api/v4');
    expect(found).toEqual({ provider: 'gitlab', apiUrl: 'https://x.org/gitlab/api/v4', name: 'a/b', number: 7 });
  });

  test.each(['https://github.com/acme/pipelines', 'pull/7', 'https://github.com/acme/pipelines/issues/7'])(
    'is not told by %s, and the sentence says what would tell it',
    (address) => {
      expect(() => pullRequestOf(address)).toThrow(/is no address of a pull request; write https/);
    },
  );
});
