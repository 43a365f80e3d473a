import { describe, expect, test } from 'vitest';
import { declaredSources, refusalOf } from '../../../controller/cluster-sources.ts';
import type { Resource } from '../../../controller/kubernetes/client.ts';
import { isMadeByUs } from '../../../controller/publish/declared-source.ts';
import { newSourceStatus, sourceAspects } from '../../../controller/publish/source-resource.ts';
import type { PipelineSourceResourceSpec } from '../../../schemas/generated/types.ts';
import type { SourcePublication } from '../../../schemas/publications.ts';

const url = 'https://git.test/trips.git';

function sourceRow(more: Partial<SourcePublication> = {}): SourcePublication {
  return {
    ...{
      id: 1,
      name: 'team-a',
      kind: 'git',
      location: url,
      ref: 'branch main',
      path: '',
      suspended: false,
      seen: true,
    },
    ...{ revision: 'c'.repeat(40), author: 'Ada <ada@example.org>', syncedAt: new Date(0), failure: null },
    ...{ pipelines: 2, problemCount: 0, problems: [] },
    ...more,
  };
}

function object(spec: PipelineSourceResourceSpec, name = 'team-a'): Resource {
  const metadata = { name, generation: 3, uid: 'u' };
  return { apiVersion: 'pipewright.dev/v1alpha1', kind: 'PipelineSource', metadata, spec };
}

/** `Ready` and what stands beside it, as `True Synced`. */
const stateOf = (row: SourcePublication, of: Resource | null) =>
  sourceAspects(row, of, of && refusalOf(of)).map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe('a source is shown as', () => {
  const git = { git: { url } };
  const problem = { file: 'b.yaml', line: 5, column: 3, code: 'unknown-field', message: 'no' };
  const broken = { problemCount: 1, problems: [problem] };

  test.each([
    ['ready when what it says is what runs', {}, git, ['Ready=True Synced']],
    ['ready however its folder is written', { path: 'jobs' }, { git: { url, path: './jobs/' } }, ['Ready=True Synced']],
    [
      'being read when nobody has looked yet',
      { seen: false, revision: null },
      git,
      ['Ready=Unknown Syncing', 'Reconciling=True Syncing'],
    ],
    [
      'being read when its row says something else',
      {},
      { git: { url, ref: { tag: 'v1' } } },
      ['Ready=Unknown Syncing', 'Reconciling=True Syncing'],
    ],
    [
      'being read when another folder of the repository is to be read',
      {},
      { git: { url, path: 'jobs' } },
      ['Ready=Unknown Syncing', 'Reconciling=True Syncing'],
    ],
    [
      'being read when it goes on after a pause',
      { suspended: true },
      git,
      ['Ready=Unknown Syncing', 'Reconciling=True Syncing'],
    ],
    ['stalled when it cannot be read', { failure: 'no' }, git, ['Ready=False FetchFailed', 'Stalled=True FetchFailed']],
    ['stalled when a manifest is broken', broken, git, ['Ready=False ManifestInvalid', 'Stalled=True ManifestInvalid']],
    [
      'suspended whatever was wrong with it',
      { ...broken, suspended: true },
      { ...git, suspend: true },
      ['Ready=True Suspended'],
    ],
    [
      'stalled when it is suspended before it was ever read',
      { revision: null, suspended: true },
      { ...git, suspend: true },
      ['Ready=False Suspended', 'Stalled=True Suspended'],
    ],
    [
      'stalled when it asks for what it may not have',
      {},
      { folder: { path: '/etc' } },
      ['Ready=False NotConfigured', 'Stalled=True NotConfigured'],
    ],
  ])('%s', (_what, row, spec, state) => {
    expect(stateOf(sourceRow(row), object(spec))).toEqual(state);
  });

  test('ready when it is one of the controller’s own, in whatever folder it lies', () => {
    expect(stateOf(sourceRow({ kind: 'folder', location: '/pipelines', ref: null }), null)).toEqual([
      'Ready=True Synced',
    ]);
  });
});

describe('an object of a person', () => {
  test.each([
    ['a name with dots', object({ git: { url } }, 'team.a'), /the name "team\.a" is none of a source; make it anew/],
    ['a name that is too long', object({ git: { url } }, 'a'.repeat(53)), /has at most 52 characters/],
    ['a folder', object({ folder: { path: '/etc' } }), /source "team-a" names "\/etc" in the controller's pod/],
    [
      'a range of versions that is none',
      object({ git: { url, ref: { semver: 'newest' } } }),
      /spec\.git\.ref\.semver is "newest"/,
    ],
    ['an interval of no length', object({ git: { url }, interval: '0s' }), /spec\.interval is "0s"; write at least 1s/],
    ['a repository in the pod', object({ git: { url: 'file:///srv/git' } }), /names "file:\/\/\/srv\/git"/],
  ])('is refused for %s', (_what, one, message) => {
    expect(refusalOf(one)).toMatch(message);
    expect(newSourceStatus(one, refusalOf(one), new Date(0)).conditions).toMatchObject([
      { reason: 'NotConfigured' },
      { type: 'Stalled' },
    ]);
  });

  test('gets a status about its generation before there is a row of it', () => {
    const status = newSourceStatus(object({ git: { url } }), null, new Date(0));
    expect(status).toMatchObject({
      observedGeneration: 3,
      conditions: [{ status: 'Unknown' }, { type: 'Reconciling' }],
    });
  });

  test('that is refused is declared as suspended, so that what was read of it goes on', () => {
    const objects = [object({ git: { url }, interval: '5m' }, 'good'), object({ folder: { path: '/etc' } }, 'bad')];
    const byName = new Map([...objects, object({ git: { url } }, 'own')].map((one) => [one.metadata.name, one]));
    expect(declaredSources(byName, new Map([['own', {}]]))).toEqual([
      { name: 'bad', spec: { folder: { path: '/etc' }, suspend: true }, everyMs: 60_000 },
      { name: 'good', spec: { git: { url }, interval: '5m' }, everyMs: 300_000 },
    ]);
  });

  test('is not ours for its labels, but where we hold its spec', () => {
    const labels = { 'app.kubernetes.io/managed-by': 'pipewright' };
    const spec = { folder: { path: '/pipelines' } };
    const copy = object(spec);
    const managedFields = [{ manager: 'pipewright', fieldsV1: { 'f:spec': { 'f:folder': {} } } }];
    const statusOnly = [{ manager: 'pipewright', subresource: 'status', fieldsV1: { 'f:status': {} } }];
    const made = (more: object) => isMadeByUs({ ...copy, metadata: { ...copy.metadata, labels, ...more } });
    expect([made({}), made({ managedFields: statusOnly }), made({ managedFields })]).toEqual([false, false, true]);
  });
});
