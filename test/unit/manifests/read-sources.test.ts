import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readSources } from '../../../controller/manifests/read-sources.ts';

const source = (spec: string, name = 'team-a') =>
  `apiVersion: pipewright.dev/v1alpha1\nkind: PipelineSource\nmetadata: { name: ${name} }\nspec:\n${spec.replace(/^(?=.)/gm, '  ')}\n`;
const git = (more = '', url = 'https://git.example.org/x') => `git:\n  url: ${url}\n${more.replace(/^(?=.)/gm, '  ')}`;

function read(...texts: string[]) {
  return readSources(new Map(texts.map((text, index) => [`${index + 1}.yaml`, text])));
}
/** Each problem in a line. */
const problems = (...texts: string[]) =>
  read(...texts).problems.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column} ${code}: ${message}`,
  );

describe('declarations are read', () => {
  test('from several files with several documents each, in their order, with an interval of a minute', () => {
    const two = `# a comment\n---\n${source(git())}---\n${source('folder: { path: /data }\ninterval: 10s', 'team-b')}`;
    const { declarations, problems } = read(two, source(git('ref: { semver: ">=1.2 <2" }'), 'team-c'));
    expect(problems).toEqual([]);
    expect(declarations).toEqual([
      { name: 'team-a', everyMs: 60_000, spec: { git: { url: 'https://git.example.org/x' } } },
      { name: 'team-b', everyMs: 10_000, spec: { folder: { path: '/data' }, interval: '10s' } },
      {
        name: 'team-c',
        everyMs: 60_000,
        spec: { git: { url: 'https://git.example.org/x', ref: { semver: '>=1.2 <2' } } },
      },
    ]);
  });

  test('as the docs show them', () => {
    const page = readFileSync(new URL('../../../docs/sources.md', import.meta.url), 'utf8');
    const [, example = ''] = /```yaml\n(apiVersion[^`]*)```/.exec(page) ?? [];
    expect(problems(example)).toEqual([]);
    expect(read(example).declarations.map(({ name }) => name)).toEqual(['team-a', 'team-b']);
  });

  test('for every kind of URL', () => {
    const urls = ['https://h/x', 'http://h:8080/x', 'file:///srv/x.git', 'ssh://git@h:2222/x', 'git@h:team/x.git'];
    for (const url of urls) expect(problems(source(git('secretRef: { name: s }', url)))).toEqual([]);
  });
});

describe('a problem says where it is and the way out', () => {
  test.each<[title: string, spec: string, problem: string]>([
    [
      'neither form',
      'interval: 1m',
      '5:3 one-form: source "team-a" has neither "git" nor "folder"; give exactly one of them',
    ],
    [
      'both forms',
      `${git()}folder: { path: /data }`,
      '7:11 one-form: source "team-a": folder stands beside "git"; give exactly one of git and folder',
    ],
    [
      'two refs',
      git('ref: { branch: a, tag: b }'),
      '7:10 one-form: source "team-a": git.ref has branch and tag; give exactly one of branch, tag, semver, commit',
    ],
    [
      'no range',
      git('ref: { semver: newest }'),
      '7:20 bad-value: source "team-a": git.ref.semver is "newest", which is no range of versions; write one such as >=1.2 <2',
    ],
    [
      'an unknown field',
      git('branch: main'),
      '7:5 unknown-field: source "team-a": git has no field "branch"; its fields are url, ref, path, secretRef, proxy, verify, submodules, status',
    ],
    [
      'a password in the URL',
      git('', 'https://me:word@git.example.org/x'),
      '6:10 clear-text-secret: source "team-a": git.url holds credentials; put them into a secret and name it in secretRef',
    ],
    [
      'ssh without a key',
      git('', 'git@git.example.org:x'),
      '6:10 missing-field: source "team-a": git.url needs a key; name the secret with "identity" and "known_hosts" in secretRef',
    ],
    [
      'a path that leaves the repository',
      git('path: ../x'),
      '7:11 unsafe-path: source "team-a": git.path is "../x", which leaves the repository; write one relative to its root, without ".."',
    ],
    [
      'a program as URL',
      git('', 'ext::sh'),
      '6:10 bad-value: source "team-a": git.url is "ext::sh", which does not fit; write where it is: `https://…`, `http://…`, `ssh://…`, `git@HOST:PATH` or `file://…`',
    ],
    [
      'statuses without a token',
      git('status: { provider: gitea, apiUrl: https://git.example.org/api/v1 }'),
      '7:13 missing-field: source "team-a": git.status needs a token; name the secret with its "password" in secretRef',
    ],
    [
      'signed tags of a branch',
      git('verify: { mode: tag, signersRef: { name: s } }'),
      '7:21 bad-value: source "team-a": git.verify.mode is "tag", and ref names no tag; write ref.tag or ref.semver, or mode: commit',
    ],
    [
      'an interval of nothing',
      `${git()}interval: 10ms`,
      '7:13 bad-duration: source "team-a": interval is "10ms"; write at least 1s, and at most ten years',
    ],
    [
      'an interval that is none',
      `${git()}interval: often`,
      '7:13 bad-duration: source "team-a": interval is "often", which is not a length of time; write one such as 30s, 10m or 1h30m',
    ],
    [
      'a relative folder',
      'folder: { path: pipelines }',
      '5:19 bad-value: source "team-a": folder.path is "pipelines", which does not fit; write its absolute path',
    ],
  ])('%s', (_, spec, problem) => {
    expect(problems(source(spec))).toEqual([`1.yaml:${problem}`]);
  });

  test('of a name that stands twice, both where it is and where the other one is', () => {
    expect(problems(source(git()), source(git()))).toEqual([
      '2.yaml:3:19 duplicate-name: source "team-a" stands in 1.yaml already; rename one of them or remove it',
    ]);
  });

  test('of a file that is no YAML, declares something else, or nothing', () => {
    const other = 'apiVersion: pipewright.dev/v1alpha1\nkind: Pipeline\nmetadata: { name: a }\nspec: {}\n';
    expect(problems('kind: [', other, '# nothing\n')).toEqual([
      expect.stringMatching(/^1\.yaml:\d+:\d+ syntax: this is not readable as YAML/),
      '2.yaml:2:7 unknown-kind: source "a": kind is "Pipeline", which declares no source; write PipelineSource',
      '3.yaml:1:1 missing-field: "3.yaml" declares no source; write a PipelineSource into it',
    ]);
  });

  test('with the lines around it', () => {
    expect(read(source(git('branch: main'))).problems[0]?.frame).toContain('> 7 |     branch: main\n    |     ^^^^^^');
  });
});
